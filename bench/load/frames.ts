/** The frame types of RFC 6455, section 5.2, that the load generator meets. */
export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const MASK = [0x12, 0x34, 0x56, 0x78] as const;

/**
 * Encodes one final, masked frame.
 *
 * @throws {RangeError} for a payload over 125 bytes: the bench sends none.
 */
export function encodeClientFrame(opcode: number, payload: Uint8Array): Uint8Array {
  if (payload.length > 125) throw new RangeError("payload over 125 bytes");
  const frame = new Uint8Array(6 + payload.length);
  frame.set([0x80 | opcode, 0x80 | payload.length, ...MASK]);
  payload.forEach((byte, index) => {
    frame[6 + index] = byte ^ (MASK[index & 3] ?? 0);
  });
  return frame;
}

/** Cuts a server's byte stream into frames; `onFrame`'s payload is only valid during the call. */
export class FrameReader {
  readonly #onFrame: (opcode: number, payload: Uint8Array) => void;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(onFrame: (opcode: number, payload: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    let offset = 0;
    for (;;) {
      const frame = frameAt(bytes, offset);
      if (frame === undefined) break;
      this.#onFrame(frame.opcode, bytes.subarray(frame.start, frame.end));
      offset = frame.end;
    }
    this.#rest = bytes.slice(offset);
  }
}

function frameAt(
  bytes: Uint8Array,
  offset: number,
): { opcode: number; start: number; end: number } | undefined {
  const first = bytes[offset];
  const second = bytes[offset + 1];
  if (first === undefined || second === undefined) return undefined;
  let start = offset + 2;
  let length = second & 0x7f;
  if (length === 127) throw new Error("frame over 64 KB");
  if (length === 126) {
    const high = bytes[start];
    const low = bytes[start + 1];
    if (high === undefined || low === undefined) return undefined;
    length = high << 8 | low;
    start += 2;
  }
  return start + length <= bytes.length ? { opcode: first & 0x0f, start, end: start + length } : undefined;
}
