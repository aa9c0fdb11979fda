/** Frames of RFC 6455, section 5.2: the only encoder and decoder of the tools. */
import { ByteQueue, concatBytes } from "./byte_queue.ts";
import type { WireFrame } from "./wire_frame.ts";

/** Bit of a frame's first byte that ends a message; the opcode is in the low four bits. */
export const FINAL = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** Values of the 7-bit length that announce a length of 16 or 64 bits. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;
/** Fixed mask of every client frame: servers unmask, and traces stay reproducible. */
const CLIENT_MASK = new Uint8Array([0x12, 0x34, 0x56, 0x78]);

/** Encodes one masked frame, as a client has to send it. */
export function encodeClientFrame(
  opcode: number,
  payload: Uint8Array,
  isFinal: boolean = true,
): Uint8Array<ArrayBuffer> {
  return encode(opcode, payload, isFinal, CLIENT_MASK);
}

/** Encodes several masked frames in one piece. */
export function encodeClientFrames(frames: readonly WireFrame[]): Uint8Array<ArrayBuffer> {
  return concatBytes(frames.map(({ opcode, payload }) => encodeClientFrame(opcode, payload)));
}

/** Encodes one unmasked frame, as a server has to send it. */
export function encodeServerFrame(
  opcode: number,
  payload: Uint8Array,
  isFinal: boolean = true,
): Uint8Array<ArrayBuffer> {
  return encode(opcode, payload, isFinal, undefined);
}

function encode(
  opcode: number,
  payload: Uint8Array,
  isFinal: boolean,
  mask: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const lengthBytes = length < LENGTH_16 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthBytes + (mask ? MASK_BYTES : 0);
  const frame = new Uint8Array(start + length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, (isFinal ? FINAL : 0) | opcode);
  const shortLength = lengthBytes === 0 ? length : lengthBytes === 2 ? LENGTH_16 : LENGTH_64;
  view.setUint8(1, (mask ? MASKED : 0) | shortLength);
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  frame.set(payload, start);
  if (!mask) return frame;
  frame.set(mask, start - MASK_BYTES);
  applyMask(frame.subarray(start), mask);
  return frame;
}

function applyMask(bytes: Uint8Array, mask: Uint8Array): void {
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = (bytes[index] ?? 0) ^ (mask[index & 3] ?? 0);
  }
}

/**
 * Receives a frame: its payload is `bytes` from `start` to before `end`, still masked, and only
 * valid during the call. `first` is the frame's first byte.
 */
export type OnFrame = (first: number, bytes: Uint8Array, start: number, end: number) => void;

/**
 * Reads the complete frames between `from` and `limit`, and returns the offset of the first
 * incomplete one. Allocates nothing: the load generator reads every received byte with it.
 */
export function readFrames(bytes: Uint8Array, from: number, limit: number, onFrame: OnFrame): number {
  let offset = from;
  while (offset + 2 <= limit) {
    const first = bytes[offset] ?? 0;
    let length = bytes[offset + 1] ?? 0;
    let start = offset + 2;
    // One comparison for most frames of a server: short and without a mask.
    if (length >= LENGTH_16) {
      const maskBytes = (length & MASKED) > 0 ? MASK_BYTES : 0;
      length &= ~MASKED;
      const lengthBytes = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0;
      if (lengthBytes > 0) length = bigEndian(bytes, start, lengthBytes);
      start += lengthBytes + maskBytes;
    }
    const end = start + length;
    // An incomplete length ends the loop too: `start` is beyond `limit` then.
    if (end > limit) break;
    onFrame(first, bytes, start, end);
    offset = end;
  }
  return offset;
}

function bigEndian(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index++) value = value * 256 + (bytes[start + index] ?? 0);
  return value;
}

/** A frame of a decoder. An unmasked payload is only valid until the next `push`. */
export interface DecodedFrame extends WireFrame {
  readonly isFinal: boolean;
  /** Bytes of the whole frame on the wire, its head included. */
  readonly size: number;
}

/** Decodes a byte stream into frames and keeps an incomplete frame for the next chunk. */
export class FrameDecoder {
  readonly #queue = new ByteQueue();

  /** Adds a chunk and returns the frames that are complete with it. */
  push(chunk: Uint8Array): DecodedFrame[] {
    this.#queue.append(chunk);
    const frames: DecodedFrame[] = [];
    let frameStart = 0;
    const end = readFrames(this.#queue.view, 0, this.#queue.length, (first, bytes, start, end) => {
      const isMasked = ((bytes[frameStart + 1] ?? 0) & MASKED) > 0;
      frames.push({
        opcode: first & 0x0f,
        isFinal: (first & FINAL) > 0,
        payload: isMasked ? unmasked(bytes, start, end) : bytes.subarray(start, end),
        size: end - frameStart,
      });
      frameStart = end;
    });
    this.#queue.take(end);
    return frames;
  }
}

function unmasked(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const payload = bytes.slice(start, end);
  applyMask(payload, bytes.subarray(start - MASK_BYTES, start));
  return payload;
}
