import type { LogFields, LogLevel } from "./log_event.ts";
import { NamedCounts } from "./named_counts.ts";

/**
 * Shares of the budget. Events that anybody can cause have the smallest one, so that they cannot
 * push others out: requests, then other routine events, then those of secret keys. Warnings and
 * errors have the whole budget.
 */
const SHARES = { request: 0.4, routine: 0.7, secretKey: 0.8 } as const;

/** Counts the events of one window, and those that were left out of it. */
export class LogBudget {
  readonly #budget: number;
  readonly #leftOut = new NamedCounts();
  #written = 0;

  /** `budget` is the number of events per window, with one that reports the events left out. */
  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Counts an event. Returns false if it is left out. */
  admit(level: LogLevel, event: string, fields: LogFields | undefined): boolean {
    if (this.#written < this.#limitOf(level, event, fields)) {
      this.#written += 1;
      return true;
    }
    this.#leftOut.add(event);
    return false;
  }

  /** Starts a window. Returns the events left out of the last one; undefined if there were none. */
  reset(): LogFields | undefined {
    this.#written = 0;
    const { sum, counts } = this.#leftOut.reset();
    if (sum === 0) return undefined;
    this.#written = 1;
    return { count: sum, events: counts.map(([event, count]) => `${event} ${count}`).join(", ") };
  }

  #limitOf(level: LogLevel, event: string, fields: LogFields | undefined): number {
    if (level === "warn" || level === "error") return this.#budget - 1;
    if (fields?.["secret_key"] === true) return Math.floor(this.#budget * SHARES.secretKey);
    return Math.floor(this.#budget * (event === "request" ? SHARES.request : SHARES.routine));
  }
}
