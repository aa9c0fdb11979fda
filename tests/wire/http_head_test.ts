/** The head codec of tools/support/wire, on every split of a byte stream. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  bytesOfText,
  formatHead,
  headerOf,
  HeadReader,
  parseHttpRequest,
  parseHttpResponse,
  textOfBytes,
} from "../../tools/support/wire/http_head.ts";

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/);
/** Any bytes but CR and LF, without blanks at the ends, which are not part of a value. */
const value = fc.uint8Array({ maxLength: 40 })
  .map((bytes) => textOfBytes(bytes).replace(/[\r\n]/g, "").replace(/^[ \t]+|[ \t]+$/g, ""));
const headers = fc.array(fc.tuple(token, value), { maxLength: 8 });
const target = fc.stringMatching(/^\/[!-~]{0,60}$/);
const body = fc.uint8Array({ maxLength: 60 });
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });

Deno.test("any split of the bytes gives the same head, and every byte behind it", () => {
  fc.assert(fc.property(token, target, headers, body, cuts, (method, target, headers, body, lengths) => {
    const head = formatHead(`${method} ${target} HTTP/1.1`, headers);
    const stream = new Uint8Array([...bytesOfText(head), ...body]);
    const reader = new HeadReader();
    for (let at = 0, turn = 0;; turn++) {
      const step = lengths[turn % lengths.length] ?? 1;
      const received = reader.push(stream.subarray(at, at + step));
      at += step;
      if (!received) continue;
      assertEquals(textOfBytes(received.bytes), head);
      assertEquals([...received.rest, ...stream.subarray(at)], [...body]);
      assertEquals(reader.size, 0);
      assertEquals(parseHttpRequest(received.text), { method, target, headers });
      return;
    }
  }));
});

Deno.test("a response head that is written reads back the same", () => {
  const reason = fc.stringMatching(/^[ -~]{0,20}$/);
  fc.assert(fc.property(fc.integer({ min: 100, max: 999 }), reason, headers, (status, reason, headers) => {
    const statusLine = `HTTP/1.1 ${status} ${reason}`;
    const text = formatHead(statusLine, headers).slice(0, -4);
    assertEquals(parseHttpResponse(text), { status, statusLine, headers });
  }));
});

Deno.test("any bytes are read without an exception, and an incomplete head is kept whole", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = textOfBytes(bytes);
    parseHttpRequest(text);
    parseHttpResponse(text);
    const reader = new HeadReader();
    if (reader.push(bytes)) return;
    assertEquals(reader.size, bytes.length);
    assertEquals(reader.takeRest(), bytes);
    assertEquals(reader.size, 0);
  }));
});

Deno.test("a header is found whatever the case of its name, the first of several", () => {
  const head = parseHttpResponse("HTTP/1.1 200\r\nX-A:\t 1 \r\nx-a: 2");
  assertEquals(head && headerOf(head.headers, "x-A"), "1");
  assertEquals(head && headerOf(head.headers, "x-b"), undefined);
});

Deno.test("text that breaks the grammar of a head is none", () => {
  for (const line of ["", "GET /", "GET / HTTP/2", "GET  / HTTP/1.1", "GET / HTTP/1.1 "]) {
    assertEquals(parseHttpRequest(line), undefined, line);
  }
  for (const line of ["", "HTTP/1.1", "HTTP/2 200", "HTTP/1.1 20", "HTTP/1.1 2000", "HTTP/1.1 099 x"]) {
    assertEquals(parseHttpResponse(line), undefined, line);
  }
  for (const field of ["no colon", ": b", " a: b", "a : b", "a: b\nc", ""]) {
    assertEquals(parseHttpRequest(`GET / HTTP/1.1\r\n${field}`), undefined, field);
  }
});
