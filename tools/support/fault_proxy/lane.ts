import { delay } from "@std/async";
import type { Conditions } from "./conditions.ts";
import type { Direction } from "./faults.ts";
import type { Piece } from "./frame_splitter.ts";
import type { PlaceWatch } from "./place_watch.ts";

/** How a direction ended: in order, or with a reset. */
export type LaneEnd = "fin" | "reset";

/** What a lane works with. */
export interface LaneOptions {
  readonly direction: Direction;
  readonly source: Deno.TcpConn;
  readonly sink: Deno.TcpConn;
  readonly conditions: Conditions;
  readonly places: PlaceWatch;
  /** Aborted when the connection is over. */
  readonly signal: AbortSignal;
  /** Makes pieces of a chunk. */
  readonly take: (chunk: Uint8Array) => Piece[];
  /** What was kept back, when no more comes. */
  readonly takeRest: () => Piece[];
  /** A piece has gone on as a whole. */
  readonly onPassed: (piece: Piece) => void;
  /** The source's end was passed on. */
  readonly onEnd: (end: LaneEnd) => void;
  /** The sink takes nothing any more. */
  readonly onBroken: () => void;
}

interface Waiting {
  readonly dueAt: number;
  readonly what: Piece | LaneEnd;
}

/** What is taken in while it cannot go on: as much as a sender's and a receiver's buffers hold, and more while it is held. */
const MOST_WAITING_BYTES = 262_144;
const MOST_HELD_BYTES = 67_108_864;
const CHUNK_BYTES = 65_536;
/** A throttled lane reads in slices of this. */
const SLICE_MS = 50;

/** One direction of a connection: takes bytes in, keeps them back as long as it has to, and lets them go on in order. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #queue: Waiting[] = [];
  #waitingBytes = 0;
  #lastDueAt = 0;
  #bell = Promise.withResolvers<void>();
  #written = 0;
  #isBroken = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.wake(), { once: true });
  }

  /** Bytes that have gone on. */
  get written(): number {
    return this.#written;
  }

  /** Whether the sink takes nothing any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Takes in and lets out until the source has ended, or the connection is over. */
  run(): readonly Promise<void>[] {
    return [this.#takeIn(), this.#letOut()];
  }

  /** Looks at the conditions again. */
  wake(): void {
    this.#bell.resolve();
    this.#bell = Promise.withResolvers();
  }

  async #takeIn(): Promise<void> {
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

  /** How much was read, or how the source ended. */
  async #read(chunk: Uint8Array): Promise<number | LaneEnd> {
    try {
      return await this.#options.source.read(chunk) ?? "fin";
    } catch {
      // The peer reset it; or it was closed here, and then nobody looks at the queue any more.
      return "reset";
    }
  }

  async #letOut(): Promise<void> {
    const { signal, sink, onEnd } = this.#options;
    for (;;) {
      await this.#until(() => this.#queue.length > 0);
      const next = this.#queue[0];
      if (signal.aborted || !next) return;
      await this.#pause(next.dueAt - performance.now());
      await this.#until(() => !this.#isHeld());
      if (signal.aborted) return;
      if (typeof next.what === "string") {
        if (next.what === "fin") await sink.closeWrite().catch(() => {/* it has ended */});
        return onEnd(next.what);
      }
      await this.#letPass(next.what);
      this.#queue.shift();
      this.#waitingBytes -= next.what.bytes.length;
      this.wake();
    }
  }

  /** Writes a piece, and stops at the places in it that are watched. */
  async #letPass(piece: Piece): Promise<void> {
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
    if (typeof what !== "string") this.#waitingBytes += what.bytes.length;
    this.wake();
  }

  #isHeld(): boolean {
    return this.#options.conditions.isHeld(this.#options.direction);
  }

  #hasRoom(): boolean {
    return this.#waitingBytes < (this.#isHeld() ? MOST_HELD_BYTES : MOST_WAITING_BYTES);
  }

  /** Waits until it holds, or the connection is over. */
  async #until(holds: () => boolean): Promise<void> {
    while (!this.#options.signal.aborted && !holds()) await this.#bell.promise;
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0) return;
    await delay(ms, { signal: this.#options.signal }).catch(() => {/* the connection is over */});
  }
}
