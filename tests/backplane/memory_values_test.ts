/** Tests the bound of one-use values in memory. */
import { assertEquals, assertThrows } from "@std/assert";
import { MemoryValues } from "../../packages/server/src/backplane/memory/memory_values.ts";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { range } from "./samples.ts";

Deno.test("memory: one-use values have a bound, and expired ones make space", () => {
  let now = 0;
  const values = new MemoryValues(() => now, 10 * 1_000);
  const put = (key: number) => values.put(`${key}`, "x".repeat(1_000 - 200 - `${key}`.length), 30_000);
  for (const key of range(1, 10)) put(key);
  assertThrows(() => put(11), BackplaneUnavailable, "Retry shortly");
  // What is there stays, and a replacement needs no space.
  assertEquals(values.take("1")?.length, 799);
  put(2);
  put(11);
  assertThrows(() => put(12), BackplaneUnavailable);
  now = 30_000;
  put(12);
  assertEquals(values.size, 1);
  assertEquals(values.take("11"), undefined);
});
