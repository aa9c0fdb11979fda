import type { MonotonicClock } from "../../clocks.ts";
import type { PostgresEvent } from "./postgres_options.ts";

/** Time between two events, in milliseconds: whoever forges notifications must not fill the log. */
const WINDOW_MS = 60_000;

/** Reason why a record of a notification changed nothing. */
export type IgnoredReason = "malformed" | "of another epoch" | "repeated" | "ahead of the database";

/** Reports records that changed nothing: the first at once, later ones by number. */
export class IgnoredRecords {
  readonly #onEvent: (event: PostgresEvent) => void;
  readonly #now: MonotonicClock;
  #count = 0;
  #lastAt: number | undefined;

  constructor(onEvent: (event: PostgresEvent) => void, now: MonotonicClock) {
    this.#onEvent = onEvent;
    this.#now = now;
  }

  /** Counts a record. */
  add(room: string, reason: IgnoredReason): void {
    this.#count++;
    const now = this.#now();
    if (this.#lastAt !== undefined && now - this.#lastAt < WINDOW_MS) return;
    const error = new Error(
      `Ignored records of notifications: ${this.#count}. The last one, for the room ${room}, was ${reason}. ` +
        "If this goes on, somebody knows the key: `update rooms.channel_key set key = default` makes another one.",
    );
    this.#count = 0;
    this.#lastAt = now;
    this.#onEvent({ type: "ignored", error });
  }
}
