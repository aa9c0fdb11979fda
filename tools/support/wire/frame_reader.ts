import type { RawFrame } from "./raw_socket.ts";

/** Cuts what a server sends over TCP into WebSocket frames; keeps the rest for the next chunk. */
export class FrameReader {
  #bytes: Uint8Array = new Uint8Array(4_096);
  #start = 0;
  #end = 0;

  /** Takes the next chunk in. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next complete frame; its payload is only valid until the next chunk. */
  next(): RawFrame | undefined {
    const length = this.#end - this.#start;
    if (length < 2) return undefined;
    const view = new DataView(this.#bytes.buffer, this.#start, length);
    const short = view.getUint8(1) & 0x7f;
    const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (length < headLength) return undefined;
    const size = short === 126 ? view.getUint16(2) : short === 127 ? Number(view.getBigUint64(2)) : short;
    if (length < headLength + size) return undefined;
    const from = this.#start + headLength;
    this.#start = from + size;
    return { opcode: view.getUint8(0) & 0x0f, payload: this.#bytes.subarray(from, this.#start) };
  }

  /** The text up to the end of an HTTP head, once it is there. */
  takeHead(): string | undefined {
    const text = new TextDecoder("latin1").decode(this.#bytes.subarray(this.#start, this.#end));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    this.#start += end + 4;
    return text.slice(0, end);
  }

  #makeRoom(needed: number): void {
    const rest = this.#bytes.subarray(this.#start, this.#end);
    const size = Math.max(this.#bytes.length, 2 * (rest.length + needed));
    const bytes = size > this.#bytes.length ? new Uint8Array(size) : this.#bytes;
    bytes.set(rest);
    this.#bytes = bytes;
    this.#end = rest.length;
    this.#start = 0;
  }
}

/** A frame as a client must send it; the mask is zero, so that the payload goes as it is. */
export function clientFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const headLength = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const bytes = new Uint8Array(headLength + length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x80 | opcode);
  view.setUint8(1, 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127));
  if (length >= 65_536) view.setBigUint64(2, BigInt(length));
  else if (length >= 126) view.setUint16(2, length);
  bytes.set(payload, headLength);
  return bytes;
}

/** Several frames of one kind, in one piece. */
export function clientFrames(opcode: number, payloads: readonly Uint8Array[]): Uint8Array {
  const frames = payloads.map((payload) => clientFrame(opcode, payload));
  const whole = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    whole.set(frame, at);
    at += frame.length;
  }
  return whole;
}
