/** Request heads as the edge host forwards them (docs/edge-host.md). */
import { assertEquals } from "@std/assert";
import {
  forwardedHead,
  parseRequestHead,
  pathForFunction,
} from "../../tools/support/isolates/request_head.ts";
import { bytesOfText, textOfBytes } from "../../tools/support/wire/http_head.ts";

Deno.test("the path loses what the gateway takes away, and nothing else", () => {
  const cases: [string, string | undefined][] = [
    ["/functions/v1/realtime/rooms/a?x=/functions/v1/b", "/realtime/rooms/a?x=/functions/v1/b"],
    ["/functions/v1/realtime", "/realtime"],
    ["/functions/v1/realtime?a=1", "/realtime?a=1"],
    ["/realtime/echo", "/realtime/echo"],
    ["/functions/v1/realtimes/echo", undefined],
    ["/functions/v1/", undefined],
    ["/", undefined],
  ];
  for (const [target, path] of cases) assertEquals(pathForFunction(target, "realtime"), path, target);
});

Deno.test("a request is forwarded as the last one of its connection, an upgrade unchanged", () => {
  const plain = parseRequestHead("GET /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nX-A:  b ");
  assertEquals(
    plain && forwardedHead(plain, "/b", "127.0.0.1"),
    "GET /b HTTP/1.1\r\nHost: x\r\nX-A: b\r\nx-forwarded-for: 127.0.0.1\r\nconnection: close\r\n\r\n",
  );
  const upgrade = parseRequestHead(
    "GET /a HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket",
  );
  assertEquals(upgrade?.wantsUpgrade, true);
  assertEquals(
    upgrade && forwardedHead(upgrade, "/a", "::1"),
    "GET /a HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nx-forwarded-for: ::1\r\n\r\n",
  );
});

Deno.test("an absolute address is cut to its path; what is no request is none", () => {
  assertEquals(parseRequestHead("GET http://host:1/a?b HTTP/1.1")?.target, "/a?b");
  for (const text of ["", "GET /", "GET / HTTP/2", "GET / HTTP/1.1\r\nno colon", "GET / HTTP/1.1\r\n a: b"]) {
    assertEquals(parseRequestHead(text), undefined, text);
  }
});

Deno.test("every byte of a head is kept", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  assertEquals(bytesOfText(textOfBytes(bytes)), bytes);
});
