/** The frame types of RFC 6455, section 5.2, that the load generator meets. */
export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** What is told of a frame: its payload is `bytes` from `start` to before `end`, and only valid during the call. */
export type OnFrame = (opcode: number, bytes: Uint8Array, start: number, end: number) => void;

const FINAL = 0x80;
const MASKED = 0x80;
const MASK = [0x12, 0x34, 0x56, 0x78] as const;
/** In place of a length: 16 or 64 bits with the length follow. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** Encodes one final, masked frame. */
export function encodeClientFrame(opcode: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const lengthBytes = length < LENGTH_16 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + MASK.length;
  const frame = new Uint8Array(start + length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, FINAL | opcode);
  view.setUint8(1, MASKED | (lengthBytes === 0 ? length : lengthBytes === 2 ? LENGTH_16 : LENGTH_64));
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  frame.set(MASK, start - MASK.length);
  for (let index = 0; index < length; index++) {
    frame[start + index] = (payload[index] ?? 0) ^ (MASK[index & 3] ?? 0);
  }
  return frame;
}

/**
 * Reads a server's whole frames, from `offset` on; returns where the first one that is not whole before `filled` begins.
 *
 * @throws {Error} for a message in fragments: no server that the bench measures sends any.
 */
export function readFrames(bytes: Uint8Array, from: number, filled: number, onFrame: OnFrame): number {
  let offset = from;
  while (offset + 2 <= filled) {
    const first = bytes[offset] ?? 0;
    let length = (bytes[offset + 1] ?? 0) & 0x7f;
    let start = offset + 2;
    if (length === LENGTH_16) {
      length = bigEndian(bytes, start, 2);
      start += 2;
    } else if (length === LENGTH_64) {
      length = bigEndian(bytes, start, 8);
      start += 8;
    }
    const end = start + length;
    // Where the length itself is not whole yet, `start` is beyond `filled` already.
    if (end > filled) break;
    if ((first & FINAL) === 0) throw new Error("a message in fragments");
    onFrame(first & 0x0f, bytes, start, end);
    offset = end;
  }
  return offset;
}

function bigEndian(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index++) value = value * 256 + (bytes[start + index] ?? 0);
  return value;
}
