/** Frames of RFC 6455, section 5.2: the only encoder and decoder of the tools. */
import { ByteQueue } from "./byte_queue.ts";

/** Opcodes of RFC 6455; from 8 on they belong to control frames. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FINAL = 0x80;
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
 * Position of one frame in a buffer. A reading loop moves one cursor from frame to frame, which
 * allocates nothing: the load generator decodes every received byte with it.
 */
export class FrameCursor {
  opcode = 0;
  isFinal = false;
  isMasked = false;
  /** Offset of the payload's first byte. */
  payloadStart = 0;
  /** Offset behind the payload. */
  end = 0;

  /** Moves to the frame at `start`; false while the frame is not complete before `limit`. */
  moveTo(bytes: Uint8Array, start: number, limit: number): boolean {
    if (start + 2 > limit) return false;
    const first = bytes[start] ?? 0;
    const second = bytes[start + 1] ?? 0;
    let length = second & 0x7f;
    let payloadStart = start + 2;
    if (length === LENGTH_16) {
      length = bigEndian(bytes, payloadStart, 2);
      payloadStart += 2;
    } else if (length === LENGTH_64) {
      length = bigEndian(bytes, payloadStart, 8);
      payloadStart += 8;
    }
    const isMasked = (second & MASKED) > 0;
    if (isMasked) payloadStart += MASK_BYTES;
    const end = payloadStart + length;
    // An incomplete length is never read as one: `payloadStart` is beyond `limit` then.
    if (end > limit) return false;
    this.opcode = first & 0x0f;
    this.isFinal = (first & FINAL) > 0;
    this.isMasked = isMasked;
    this.payloadStart = payloadStart;
    this.end = end;
    return true;
  }
}

function bigEndian(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index++) value = value * 256 + (bytes[start + index] ?? 0);
  return value;
}

/** A frame that a decoder found. */
export interface DecodedFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  /** Unmasked payload; of an unmasked frame only valid until the next `push`. */
  readonly payload: Uint8Array;
  /** Bytes of the whole frame on the wire, its head included. */
  readonly size: number;
}

/** Decodes a byte stream into frames and keeps an incomplete frame for the next chunk. */
export class FrameDecoder {
  readonly #queue = new ByteQueue();
  readonly #cursor = new FrameCursor();

  push(chunk: Uint8Array): void {
    this.#queue.append(chunk);
  }

  /** Returns the next complete frame. */
  next(): DecodedFrame | undefined {
    const cursor = this.#cursor;
    if (!cursor.moveTo(this.#queue.view, 0, this.#queue.length)) return undefined;
    const { opcode, isFinal, isMasked, payloadStart, end: size } = cursor;
    const frame = this.#queue.take(size);
    const payload = isMasked ? frame.slice(payloadStart) : frame.subarray(payloadStart);
    if (isMasked) applyMask(payload, frame.subarray(payloadStart - MASK_BYTES, payloadStart));
    return { opcode, isFinal, payload, size };
  }
}
