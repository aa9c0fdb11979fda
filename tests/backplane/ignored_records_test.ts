import { assertEquals, assertStringIncludes } from "@std/assert";
import { IgnoredRecords } from "../../packages/server/src/backplane/postgres/ignored_records.ts";

Deno.test("ignored records are reported at once, and then by number once a minute", () => {
  const reports: string[] = [];
  let now = 5_000;
  const ignored = new IgnoredRecords((event) => {
    if (event.type === "ignored" && event.error instanceof Error) reports.push(event.error.message);
  }, () => now);
  ignored.add("room:1", "repeated");
  assertEquals(reports.length, 1);
  assertStringIncludes(
    reports[0] ?? "",
    "notifications: 1. The last one, for the room room:1, was repeated.",
  );

  for (now of [5_001, 64_999]) ignored.add("room:2", "malformed");
  assertEquals(reports.length, 1);
  now = 65_000;
  ignored.add("room:3", "of another epoch");
  assertEquals(reports.length, 2);
  assertStringIncludes(
    reports[1] ?? "",
    "notifications: 3. The last one, for the room room:3, was of another epoch.",
  );
});
