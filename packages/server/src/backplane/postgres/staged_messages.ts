import type { MonotonicClock } from "../../clocks.ts";
import type { Connector } from "./connector.ts";
import type { PostgresEvent } from "./postgres_options.ts";
import { pause } from "../with_timeout.ts";

/** Channel on which a writer announces a message while no isolate polls. */
export const STAGED_CHANNEL = "rooms:staged";
/** Pause between two drains, in milliseconds. */
const PAUSE_MS = 50;
/** Time after the last staged message for which writers do not announce, in milliseconds. */
const POLL_MS = 250;
/** Further time of polling: a writer that did not announce commits a little later. */
const COMMIT_MS = 100;

const STATEMENT = "select drained, has_more from rooms.drain($1::uuid, $2::bigint, $3::int, $4::bigint)";

/** Options of `StagedMessages`. */
export interface StagedMessagesOptions {
  /** Id of the isolate in the database. */
  readonly isolate: string;
  readonly dedupeMs: number;
  /** Messages that one statement stores. */
  readonly batch: number;
  readonly now: MonotonicClock;
  /** Called after each statement that stored messages. */
  readonly onPublished: () => void;
  /** Receives each failure. A later announcement or check drains again. */
  readonly onEvent: (event: PostgresEvent) => void;
}

/**
 * Stores messages that `rooms.publish()` staged in SQL. Of all isolates one drains: it polls while
 * messages come, and otherwise waits for an announcement. The others take over when it stops.
 */
export class StagedMessages {
  readonly #connector: Connector;
  readonly #options: StagedMessagesOptions;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;
  /** Announced during a drain, which may not have seen the message. */
  #isAnnounced = false;

  constructor(connector: Connector, options: StagedMessagesOptions) {
    this.#connector = connector;
    this.#options = options;
  }

  /** Drains if something is staged. A periodic job finds what nobody announced. */
  async check(): Promise<void> {
    if (this.#running) return;
    const staged = await this.#connector.database.read("select from rooms.staged order by seq limit 1", []);
    if (staged.length > 0) this.wake();
  }

  /** Drains soon. Called for an announcement, and after a connect. */
  wake(): void {
    this.#isAnnounced = true;
    if (!this.#end.signal.aborted) this.#running ??= this.#run();
  }

  /** Stops. A graceful end lets another isolate take over at once. */
  async end(isGraceful: boolean): Promise<void> {
    const wasDraining = this.#running !== undefined;
    this.#end.abort();
    await this.#running;
    if (!isGraceful || !wasDraining) return;
    await this.#connector.database.maintain("select rooms.stop_draining($1::uuid)", [this.#options.isolate]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    const { now } = this.#options;
    let lastAt: number | undefined;
    try {
      while (!signal.aborted) {
        this.#isAnnounced = false;
        const drained = await this.#drain();
        if (drained === undefined) break;
        if (drained.hasMore) continue;
        if (drained.count > 0) lastAt = now();
        const isPolling = lastAt !== undefined && now() - lastAt < POLL_MS + COMMIT_MS;
        if (!isPolling && !this.#isAnnounced) break;
        await pause(PAUSE_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) this.#options.onEvent({ type: "failed", error });
    } finally {
      this.#running = undefined;
    }
  }

  /** Stores what is staged. Resolves with undefined if another isolate does. */
  async #drain(): Promise<{ count: number; hasMore: boolean } | undefined> {
    const { isolate, dedupeMs, batch, onPublished } = this.#options;
    const [row] = await this.#connector.database.maintain<{ drained: number; has_more: boolean }>(STATEMENT, [
      isolate,
      dedupeMs,
      batch,
      POLL_MS,
    ]);
    if (row && row.drained > 0) onPublished();
    return row && { count: row.drained, hasMore: row.has_more };
  }
}
