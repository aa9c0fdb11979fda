import { delay } from "@std/async";
import type { Conditions } from "./conditions.ts";
import type { Direction } from "./direction.ts";
import type { Piece } from "./frame_splitter.ts";
import type { PlaceWatch } from "./place_watch.ts";

/** End of a direction: in order, or with a reset. */
export type LaneEnd = "fin" | "reset";

/** Options of a lane. */
interface LaneOptions {
  readonly direction: Direction;
  readonly source: Deno.TcpConn;
  readonly sink: Deno.TcpConn;
  readonly conditions: Conditions;
  readonly places: PlaceWatch;
  /** Aborts when the connection ends. */
  readonly signal: AbortSignal;
  /** Cuts a chunk into pieces. */
  readonly take: (chunk: Uint8Array) => Piece[];
  /** Returns the bytes that were kept back, once the source has ended. */
  readonly takeRest: () => Piece[];
  /** Called after a whole piece was forwarded. */
  readonly onPassed: (piece: Piece) => void;
  /** Called after the end of the source was forwarded. */
  readonly onEnd: (end: LaneEnd) => void;
  /** Called once the sink accepts no more bytes. */
  readonly onBroken: () => void;
}

interface Queued {
  readonly dueAt: number;
  readonly what: Piece | LaneEnd;
}

/** Limits for queued bytes: about the kernel buffers of two peers, more while held. */
const MAX_QUEUED_BYTES = 262_144;
const MAX_HELD_BYTES = 67_108_864;
const CHUNK_BYTES = 65_536;
/** A throttled lane reads in slices of this. */
const SLICE_MS = 50;

/** One direction of a connection: receives, delays or holds, and forwards bytes in order. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #queue: Queued[] = [];
  #queuedBytes = 0;
  #lastDueAt = 0;
  #bell = Promise.withResolvers<void>();
  #written = 0;
  #isBroken = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.wake(), { once: true });
  }

  /** Number of forwarded bytes. */
  get written(): number {
    return this.#written;
  }

  /** True once the sink accepts no more bytes. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Receives and forwards until the source or the connection ends. */
  run(): readonly Promise<void>[] {
    return [this.#receive(), this.#forward()];
  }

  /** Checks the conditions again. */
  wake(): void {
    this.#bell.resolve();
    this.#bell = Promise.withResolvers();
  }

  async #receive(): Promise<void> {
    const { conditions, direction, signal, take, takeRest } = this.#options;
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      await this.#until(() => this.#hasRoom() && conditions.bytesPerSecond(direction) > 0);
      if (signal.aborted) return;
      const rate = conditions.bytesPerSecond(direction);
      const most = Math.min(chunk.length, Math.max(1, Math.floor(rate * SLICE_MS / 1_000)));
      const read = await this.#read(chunk.subarray(0, most));
      if (typeof read === "string") {
        for (const piece of takeRest()) this.#enqueue(piece);
        return this.#enqueue(read);
      }
      for (const piece of take(chunk.subarray(0, read))) this.#enqueue(piece);
      if (Number.isFinite(rate)) await this.#pause(read / rate * 1_000);
    }
  }

  /** Returns the number of bytes read, or the end of the source. */
  async #read(chunk: Uint8Array): Promise<number | LaneEnd> {
    try {
      return await this.#options.source.read(chunk) ?? "fin";
    } catch {
      // The peer reset the connection; or the proxy closed it, and ignores the queue from then on.
      return "reset";
    }
  }

  async #forward(): Promise<void> {
    const { signal, sink, onEnd } = this.#options;
    for (;;) {
      await this.#until(() => this.#queue.length > 0);
      const next = this.#queue[0];
      if (signal.aborted || !next) return;
      await this.#pause(next.dueAt - performance.now());
      await this.#until(() => !this.#isHeld());
      if (signal.aborted) return;
      if (typeof next.what === "string") {
        if (next.what === "fin") await sink.closeWrite().catch(() => {/* the sink has ended */});
        return onEnd(next.what);
      }
      await this.#forwardPiece(next.what);
      this.#queue.shift();
      this.#queuedBytes -= next.what.bytes.length;
      this.wake();
    }
  }

  /** Writes a piece, and pauses at its watched places. */
  async #forwardPiece(piece: Piece): Promise<void> {
    const { places, signal, onPassed } = this.#options;
    let at = 0;
    for (const { offset, reached } of places.inPiece(piece)) {
      await this.#write(piece.bytes.subarray(at, offset));
      if (signal.aborted) return;
      at = offset;
      reached();
      await this.#until(() => !this.#isHeld());
    }
    await this.#write(piece.bytes.subarray(at));
    if (!signal.aborted && !this.#isBroken) onPassed(piece);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { sink, signal, onBroken } = this.#options;
    try {
      for (let sent = 0; sent < bytes.length && !this.#isBroken && !signal.aborted;) {
        const written = await sink.write(bytes.subarray(sent));
        sent += written;
        this.#written += written;
      }
    } catch {
      this.#isBroken = true;
      if (!signal.aborted) onBroken();
    }
  }

  #enqueue(what: Piece | LaneEnd): void {
    const { conditions, direction } = this.#options;
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + conditions.delayMs(direction));
    this.#queue.push({ what, dueAt: this.#lastDueAt });
    if (typeof what !== "string") this.#queuedBytes += what.bytes.length;
    this.wake();
  }

  #isHeld(): boolean {
    return this.#options.conditions.isHeld(this.#options.direction);
  }

  #hasRoom(): boolean {
    return this.#queuedBytes < (this.#isHeld() ? MAX_HELD_BYTES : MAX_QUEUED_BYTES);
  }

  /** Waits until the condition holds or the connection ends. */
  async #until(holds: () => boolean): Promise<void> {
    while (!this.#options.signal.aborted && !holds()) await this.#bell.promise;
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0) return;
    await delay(ms, { signal: this.#options.signal }).catch(() => {/* the connection has ended */});
  }
}
