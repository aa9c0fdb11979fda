import { connectLoopback, MAX_READ_BYTES, Readiness, receive } from "./libc.ts";

/** Reader of a connection. */
export interface Stream {
  /** Reads `filled` bytes; returns the number consumed. The rest comes again with more. */
  receive(bytes: Uint8Array, filled: number): number;
  /** Called once the server has ended the connection. */
  end(): void;
}

/** Interval of polling between jobs, when servers send pings. */
const IDLE_POLL_MS = 20;
/**
 * Duration of polling before a job sleeps. A server that wakes the client with every frame would
 * pay for the wake-ups in its own figure.
 */
const AWAKE_MS = 0.2;
const SLEEP_MS = 10;

/**
 * Drives all connections of the load generator without promises, until a job is done. An exception
 * of a stream ends the job.
 */
export class SocketLoop {
  readonly #readiness = new Readiness();
  readonly #streams = new Map<number, Stream>();
  /** Unconsumed bytes by descriptor. */
  readonly #rests = new Map<number, Uint8Array>();
  #buffer = new Uint8Array(2 * MAX_READ_BYTES);
  #idleMs = 0;

  constructor() {
    setInterval(() => this.#poll(0), IDLE_POLL_MS);
  }

  /** Time that jobs spent without work, in milliseconds since the start. */
  get idleMs(): number {
    return this.#idleMs;
  }

  /** Connects to a port of this machine; returns the descriptor. */
  connect(port: number, stream: Stream): number {
    const descriptor = connectLoopback(port);
    this.#streams.set(descriptor, stream);
    this.#readiness.add(descriptor);
    return descriptor;
  }

  /**
   * Drives the connections until `isDone`.
   *
   * @throws {Error} after `timeoutMs`, with `missing()` as its message; rethrows stream errors.
   */
  runUntil(isDone: () => boolean, timeoutMs: number, missing: () => string): void {
    let polledAt = performance.now();
    const until = polledAt + timeoutMs;
    let busyAt = polledAt;
    let wasIdle = false;
    while (!isDone()) {
      const now = performance.now();
      if (now > until) throw new Error(`after ${timeoutMs} ms: ${missing()}`);
      if (wasIdle) this.#idleMs += now - polledAt;
      polledAt = now;
      wasIdle = this.#poll(now - busyAt > AWAKE_MS ? SLEEP_MS : 0) === 0;
      if (!wasIdle) busyAt = now;
    }
  }

  /** Polls once for arrived bytes, without waiting. */
  pollOnce(): void {
    this.#poll(0);
  }

  #poll(timeoutMs: number): number {
    return this.#readiness.wait(timeoutMs, this.#onReadable);
  }

  readonly #onReadable = (descriptor: number): void => {
    const stream = this.#streams.get(descriptor);
    if (!stream) return;
    const rest = this.#rests.get(descriptor);
    const kept = rest?.length ?? 0;
    if (kept + MAX_READ_BYTES > this.#buffer.length) {
      this.#buffer = new Uint8Array(2 * (kept + MAX_READ_BYTES));
    }
    if (rest) this.#buffer.set(rest);
    const count = receive(descriptor, kept === 0 ? this.#buffer : this.#buffer.subarray(kept));
    if (count < 0) return;
    if (count === 0) {
      this.#streams.delete(descriptor);
      this.#rests.delete(descriptor);
      this.#readiness.close(descriptor);
      return stream.end();
    }
    const filled = kept + count;
    const done = stream.receive(this.#buffer, filled);
    if (done < filled) this.#rests.set(descriptor, this.#buffer.slice(done, filled));
    else if (rest) this.#rests.delete(descriptor);
  };
}
