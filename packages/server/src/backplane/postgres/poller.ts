import type { RoomStream } from "./room_stream.ts";
import type { RoomReader } from "./statements.ts";
import { pause } from "../with_timeout.ts";

/**
 * Overlap of two polls, in milliseconds. Postgres numbers a record before its transaction commits,
 * so a record may become visible up to this much after a later one.
 */
const COMMIT_LAG_MS = 5_000;

/** Options of `Poller`. */
export interface PollerOptions {
  readonly reader: RoomReader;
  /** Interval between polls, in milliseconds. */
  readonly pollMs: number;
  /** Lists the rooms to poll. */
  readonly rooms: () => readonly { readonly stream: RoomStream; readonly channel: string }[];
  /** Reads and delivers new messages and presence. Ephemeral records are left to the poller. */
  readonly refresh: () => Promise<void>;
  /** Called once if a poll fails; the poller has ended then. */
  readonly onFailure: (error: unknown) => void;
}

/** Polls rooms for changes where LISTEN does not work. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #end = new AbortController();
  /** Write times of the records that were delivered already, by record id. */
  readonly #seen = new Map<string, number>();
  #sleep = new AbortController();

  constructor(options: PollerOptions) {
    this.#options = options;
    void this.#run();
  }

  /** Polls immediately instead of at the next interval. */
  wake(): void {
    this.#sleep.abort();
  }

  /** Stops polling. */
  close(): void {
    this.#end.abort();
    this.#sleep.abort();
  }

  async #run(): Promise<void> {
    const { pollMs, onFailure } = this.#options;
    try {
      while (!this.#end.signal.aborted) {
        await pause(pollMs, this.#sleep.signal);
        if (this.#end.signal.aborted) return;
        this.#sleep = new AbortController();
        await this.#poll();
      }
    } catch (error) {
      if (!this.#end.signal.aborted) onFailure(error);
    }
  }

  async #poll(): Promise<void> {
    const { reader, refresh } = this.#options;
    const rooms = this.#options.rooms();
    if (rooms.length === 0) return;
    await refresh();
    const streams = new Map(rooms.map(({ channel, stream }) => [channel, stream]));
    const newest = Math.max(0, ...this.#seen.values());
    const oldest = Math.min(...rooms.map(({ stream }) => stream.since));
    const rows = await reader.passingSince([...streams.keys()], Math.max(oldest, newest - COMMIT_LAG_MS));
    if (this.#end.signal.aborted) return;
    for (const { id, channel, at, records } of rows) {
      const stream = streams.get(channel);
      if (this.#seen.has(id) || !stream) continue;
      this.#seen.set(id, at);
      // The table also holds presence that was too long for a notification; `refresh` reads that.
      const ephemerals = records.filter(({ type }) => type === "ephemeral");
      if (at >= stream.since) stream.receive("", ephemerals);
    }
    for (const [id, at] of this.#seen) if (at < newest - 2 * COMMIT_LAG_MS) this.#seen.delete(id);
  }
}
