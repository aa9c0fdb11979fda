/** The frame codec of tools/support/wire, on every split of a byte stream. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { concatBytes } from "../../tools/support/wire/byte_queue.ts";
import {
  encodeClientFrame,
  encodeServerFrame,
  FrameDecoder,
  readFrames,
} from "../../tools/support/wire/websocket_frames.ts";

const frame = fc.record({
  opcode: fc.integer({ min: 0, max: 15 }),
  isFinal: fc.boolean(),
  isMasked: fc.boolean(),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Both sides of the lengths that change the size of a frame's head.
    fc.constantFrom(125, 126, 65_535, 65_536).map((length) => new Uint8Array(length).fill(length % 251)),
  ),
});
const frames = fc.array(frame, { maxLength: 8 });

type Frame = typeof frame extends fc.Arbitrary<infer Value> ? Value : never;

function encode({ opcode, payload, isFinal, isMasked }: Frame): Uint8Array {
  return isMasked ? encodeClientFrame(opcode, payload, isFinal) : encodeServerFrame(opcode, payload, isFinal);
}

Deno.test("any split of the bytes decodes to the same frames, and their sizes cover the stream", () => {
  const cuts = fc.array(fc.nat({ max: 200 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(frames, cuts, fc.boolean(), (sent, lengths, isFine) => {
      const stream = concatBytes(sent.map(encode));
      const decoder = new FrameDecoder();
      const received = [];
      let size = 0;
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        // Some runs cut the heads to pieces, the others cut long payloads.
        const step = (lengths[turn % lengths.length] ?? 0) * (isFine ? 1 : 500) + 1;
        for (const frame of decoder.push(stream.subarray(at, at + step))) {
          received.push({ opcode: frame.opcode, isFinal: frame.isFinal, payload: frame.payload.slice() });
          size += frame.size;
        }
        at += step;
      }
      assertEquals(
        received,
        sent.map(({ opcode, isFinal, payload }) => ({ opcode, isFinal, payload: payload.slice() })),
      );
      assertEquals(size, stream.length);
    }),
    { numRuns: 200 },
  );
});

Deno.test("a frame is not read before its last byte, whatever an earlier frame left in the buffer", () => {
  fc.assert(
    fc.property(frame, fc.integer({ min: 0, max: 255 }), (sent, stale) => {
      const bytes = encode(sent);
      const buffer = new Uint8Array(bytes.length + 20).fill(stale);
      buffer.set(bytes);
      const ends: number[] = [];
      const read = (limit: number) =>
        readFrames(buffer, 0, limit, (_first, _bytes, _start, end) => ends.push(end));
      for (let limit = 0; limit < Math.min(20, bytes.length); limit++) {
        buffer.fill(stale, limit);
        assertEquals(read(limit), 0);
        buffer.set(bytes);
      }
      assertEquals(read(bytes.length - 1), 0);
      assertEquals(read(bytes.length), bytes.length);
      assertEquals(ends, [bytes.length]);
    }),
  );
});

Deno.test("frames have the bytes of RFC 6455, section 5.7", () => {
  const hello = new TextEncoder().encode("Hello");
  assertEquals(encodeServerFrame(1, hello), new Uint8Array([0x81, 0x05, ...hello]));
  assertEquals(
    encodeServerFrame(1, hello.subarray(0, 3), false),
    new Uint8Array([0x01, 0x03, 0x48, 0x65, 0x6c]),
  );
  const decoder = new FrameDecoder();
  const masked = new Uint8Array([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
  assertEquals(decoder.push(masked), [{ opcode: 1, isFinal: true, payload: hello, size: 11 }]);
  assertEquals(
    encodeServerFrame(2, new Uint8Array(256)).subarray(0, 4),
    new Uint8Array([0x82, 0x7e, 0x01, 0x00]),
  );
  assertEquals(
    encodeServerFrame(2, new Uint8Array(65_536)).subarray(0, 10),
    new Uint8Array([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]),
  );
});
