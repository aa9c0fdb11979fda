import type { RoomStream } from "./room_stream.ts";
import type { RoomReader } from "./statements.ts";
import { pause } from "../with_timeout.ts";

/** Records are numbered before they can be seen: one may come up to this much after a later one, in milliseconds. */
const LATE_MS = 5_000;

/** What a poller is given. */
export interface PollerOptions {
  readonly reader: RoomReader;
  /** How often it asks, in milliseconds. */
  readonly pollMs: number;
  /** The rooms to ask for. */
  readonly rooms: () => readonly { readonly feed: RoomStream; readonly channel: string }[];
  /** Reads and delivers what is new in them, except what only passes. */
  readonly refresh: () => Promise<void>;
  /** Told when it cannot; it has ended then. */
  readonly onTrouble: (error: unknown) => void;
}

/** Asks again and again for what is new, in place of notifications. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #end = new AbortController();
  /** What was delivered already, by when it was written. */
  readonly #seen = new Map<string, number>();
  #wake = new AbortController();

  constructor(options: PollerOptions) {
    this.#options = options;
    void this.#run();
  }

  /** Asks at once. */
  poke(): void {
    this.#wake.abort();
  }

  /** Ends it. */
  close(): void {
    this.#end.abort();
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { pollMs, onTrouble } = this.#options;
    try {
      while (!this.#end.signal.aborted) {
        await pause(pollMs, this.#wake.signal);
        if (this.#end.signal.aborted) return;
        this.#wake = new AbortController();
        await this.#ask();
      }
    } catch (error) {
      if (!this.#end.signal.aborted) onTrouble(error);
    }
  }

  async #ask(): Promise<void> {
    const { reader, refresh } = this.#options;
    const rooms = this.#options.rooms();
    if (rooms.length === 0) return;
    await refresh();
    const feeds = new Map(rooms.map(({ channel, feed }) => [channel, feed]));
    const newest = Math.max(0, ...this.#seen.values());
    const oldest = Math.min(...rooms.map(({ feed }) => feed.since));
    const passing = await reader.passing([...feeds.keys()], Math.max(oldest, newest - LATE_MS));
    if (this.#end.signal.aborted) return;
    for (const { id, channel, at, records } of passing) {
      const feed = feeds.get(channel);
      if (this.#seen.has(id) || !feed) continue;
      this.#seen.set(id, at);
      // Presence that did not fit into a notification lies there too; it is read where it belongs.
      const ephemerals = records.filter(({ type }) => type === "ephemeral");
      if (at >= feed.since) feed.take("", ephemerals);
    }
    for (const [id, at] of this.#seen) if (at < newest - 2 * LATE_MS) this.#seen.delete(id);
  }
}
