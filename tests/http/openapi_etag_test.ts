/** `GET /realtime/openapi.json` with the tag of what the reader has. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startServer } from "../support/running_server.ts";

Deno.test("a reader that has the OpenAPI document is answered with 304 and no body", async () => {
  await using running = await startServer();
  await using other = await startServer();
  const read = async (origin: string, tag?: string) => {
    const response = await fetch(`${origin}/realtime/openapi.json`, {
      headers: { origin: "https://app.example", ...(tag === undefined ? {} : { "if-none-match": tag }) },
    });
    return { response, text: await response.text() };
  };
  const { response, text } = await read(running.origin);
  // Deno compresses some answers, which makes the tag weak.
  const tag = response.headers.get("etag")?.replace(/^W\//, "") ?? "";
  assertMatch(tag, /^"[0-9a-f]{64}"$/);
  assert(text.length > 10_000);
  for (const given of [tag, `W/${tag}`, `"x", ${tag}`, "*"]) {
    const again = await read(other.origin, given);
    assertEquals([again.response.status, again.text], [304, ""]);
    assertEquals(again.response.headers.get("etag")?.replace(/^W\//, ""), tag);
    assertEquals(again.response.headers.get("cache-control"), "public, max-age=300");
    assertEquals(again.response.headers.get("access-control-allow-origin"), "*");
  }
  for (const given of ['"x"', tag.slice(1, -1), ""]) {
    assertEquals((await read(running.origin, given)).text, text);
  }
});
