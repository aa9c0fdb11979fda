/** docs/protocol.md, rule 12.8: only a body of JSON is read. */
import { assertEquals, assertMatch } from "@std/assert";
import { startServer } from "../support/running_server.ts";

const MESSAGE = { id: "q1", event: "chat", data: 1 };

/** Headers, and the status and the field of the answer. */
const BODIES: readonly (readonly [Record<string, string>, number, string | undefined])[] = [
  [{ "content-type": "application/x-www-form-urlencoded" }, 415, "header.content-type"],
  [{ "content-type": "text/plain;charset=UTF-8" }, 415, "header.content-type"],
  [{ "content-type": "multipart/form-data; boundary=json" }, 415, "header.content-type"],
  [{ "content-type": "application/jsonx" }, 415, "header.content-type"],
  [{ "content-type": "" }, 415, "header.content-type"],
  [{}, 415, "header.content-type"],
  [{ "content-type": "application/json", "content-encoding": "gzip" }, 415, "header.content-encoding"],
  [{ "content-type": "application/json", "content-encoding": "identity" }, 201, undefined],
  [{ "content-type": "application/json" }, 201, undefined],
  [{ "content-type": "Application/JSON; charset=utf-8" }, 201, undefined],
  [{ "content-type": "application/vnd.app+json" }, 201, undefined],
];
for (const [headers, status, field] of BODIES) {
  Deno.test(`12.8 a body sent with ${JSON.stringify(headers)} is answered with ${status}`, async () => {
    await using running = await startServer();
    const response = await fetch(`${running.origin}/realtime/rooms/r/messages`, {
      method: "POST",
      headers: { ...headers, authorization: `Bearer ${await running.issuer.token("alice")}` },
      // Bytes, since fetch gives a text a type of its own.
      body: new TextEncoder().encode(JSON.stringify(MESSAGE)),
    });
    const answer: Record<string, unknown> = await response.json();
    assertEquals([response.status, answer["field"]], [status, field]);
    if (status !== 415) return;
    assertEquals(answer["code"], "unsupported_media_type");
    assertMatch(String(answer["detail"]), /Content-(Type|Encoding)/);
  });
}
