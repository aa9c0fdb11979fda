import type { Direction } from "./faults.ts";
import { SeenMessage } from "./seen_message.ts";

/** Bytes that go on in one go. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The message, or control frame, that is complete with these bytes. */
  readonly message?: SeenMessage;
  /** How many bytes of that message went on before these. */
  readonly passed: number;
}

interface FrameHead {
  readonly isLast: boolean;
  readonly opcode: number;
  /** Of the head, in bytes. */
  readonly size: number;
  /** Of the payload, in bytes. */
  readonly length: number;
  readonly mask: Uint8Array | undefined;
}

const FIRST_CONTROL_OPCODE = 8;

/** Cuts one direction of a WebSocket connection where its messages end. The pieces together are what came in, byte for byte. */
export class FrameSplitter {
  readonly #direction: Direction;
  /** What has come of the present message is kept until it is complete. */
  #bytes: Uint8Array = new Uint8Array(4_096);
  #start = 0;
  #end = 0;
  /** Bytes of the present message that went on already. */
  #passed = 0;
  /** Bytes of the present message that are complete frames. */
  #looked = 0;
  #payloads: Uint8Array[] = [];
  #opcode: number | undefined;
  #messages = 0;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  /** Takes a chunk in, and gives what is complete with it. */
  push(chunk: Uint8Array): Piece[] {
    this.#append(chunk);
    const pieces: Piece[] = [];
    for (;;) {
      const rest = this.#bytes.subarray(this.#start + this.#looked, this.#end);
      const head = frameHead(rest);
      if (!head || rest.length < head.size + head.length) return pieces;
      const payload = rest.slice(head.size, head.size + head.length);
      if (head.mask) unmask(payload, head.mask);
      this.#looked += head.size + head.length;
      const message = this.#takeFrame(head, payload);
      if (message) pieces.push(this.#takePiece(message));
    }
  }

  /** What has come of a message that is not complete, to go on before the rest of it. */
  takeRest(): Piece[] {
    const bytes = this.#bytes.slice(this.#start + this.#passed, this.#end);
    this.#passed += bytes.length;
    return bytes.length > 0 ? [{ bytes, passed: 0 }] : [];
  }

  #takeFrame({ isLast, opcode }: FrameHead, payload: Uint8Array): SeenMessage | undefined {
    if (opcode >= FIRST_CONTROL_OPCODE) {
      // Between the frames of a message it goes with that message.
      return this.#opcode === undefined ? new SeenMessage(this.#direction, 0, opcode, payload) : undefined;
    }
    const first = this.#opcode ??= opcode;
    this.#payloads.push(payload);
    if (!isLast) return undefined;
    const message = new SeenMessage(this.#direction, ++this.#messages, first, concat(this.#payloads));
    this.#opcode = undefined;
    this.#payloads = [];
    return message;
  }

  #takePiece(message: SeenMessage): Piece {
    const passed = this.#passed;
    const bytes = this.#bytes.slice(this.#start + passed, this.#start + this.#looked);
    this.#start += this.#looked;
    this.#looked = this.#passed = 0;
    return { bytes, message, passed };
  }

  #append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) {
      const kept = this.#bytes.subarray(this.#start, this.#end);
      const bytes = new Uint8Array(Math.max(this.#bytes.length, 2 * (kept.length + chunk.length)));
      bytes.set(kept);
      this.#bytes = bytes;
      this.#end = kept.length;
      this.#start = 0;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}

/** The head of a frame (RFC 6455, section 5.2), once it is there. */
function frameHead(bytes: Uint8Array): FrameHead | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  const second = view.getUint8(1);
  const short = second & 0x7f;
  const lengthEnd = short === 126 ? 4 : short === 127 ? 10 : 2;
  const size = lengthEnd + ((second & 0x80) > 0 ? 4 : 0);
  if (bytes.length < size) return undefined;
  const length = short === 126 ? view.getUint16(2) : short === 127 ? Number(view.getBigUint64(2)) : short;
  return {
    isLast: (first & 0x80) > 0,
    opcode: first & 0x0f,
    size,
    length,
    mask: size > lengthEnd ? bytes.subarray(lengthEnd, size) : undefined,
  };
}

function unmask(payload: Uint8Array, mask: Uint8Array): void {
  for (let index = 0; index < payload.length; index++) {
    payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
