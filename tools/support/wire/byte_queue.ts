const INITIAL_CAPACITY = 4_096;

/** Bytes that a reader received and has not consumed, in one contiguous buffer. */
export class ByteQueue {
  #buffer = new Uint8Array(INITIAL_CAPACITY);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** All queued bytes; only valid until the next `append`. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeSpace(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Removes the first `count` bytes and returns them; only valid until the next `append`. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const taken = this.view.subarray(0, count);
    this.#start += taken.length;
    return taken;
  }

  #makeSpace(needed: number): void {
    const queued = this.view;
    const size = queued.length + needed;
    if (size > this.#buffer.length) this.#buffer = new Uint8Array(2 * size);
    this.#buffer.set(queued);
    this.#start = 0;
    this.#end = queued.length;
  }
}

/** Copies parts into one array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
