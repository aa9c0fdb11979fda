import type { Log } from "./log.ts";
import type { LogFields } from "./log_event.ts";
import { NamedCounts } from "./named_counts.ts";

/** Share of the log's budget for refusals that are logged one by one; `request_id` finds these. */
const SHARE_SHOWN = 0.1;
const WINDOW_MS = 10_000;

/**
 * Logs requests that were refused before they had a user. Anybody can send these without a token,
 * so all but the first of a window are counted: `requests.refused` has the counts by route and
 * status.
 */
export class RefusalLog {
  readonly #log: Log;
  readonly #shownPerWindow: number;
  readonly #counts = new NamedCounts();
  #shown = 0;
  #windowEnd: ReturnType<typeof setTimeout> | undefined;

  /** `budget` is the number of events that the log writes per window. */
  constructor(log: Log, budget: number) {
    this.#log = log;
    this.#shownPerWindow = Math.ceil(budget * SHARE_SHOWN);
  }

  /** Logs or counts a refusal; `kind` is its method, route and status. */
  refused(kind: string, fields: LogFields): void {
    this.#windowEnd ??= setTimeout(() => this.close(), WINDOW_MS);
    this.#shown += 1;
    if (this.#shown <= this.#shownPerWindow) return this.#log.info("request", fields);
    this.#counts.add(kind);
  }

  /** Ends the window: logs its counts, and stops its timer. */
  close(): void {
    clearTimeout(this.#windowEnd);
    this.#windowEnd = undefined;
    this.#shown = 0;
    const { sum, counts } = this.#counts.reset();
    if (sum === 0) return;
    this.#log.warn("requests.refused", {
      count: sum,
      requests: counts.map(([kind, count]) => `${kind}: ${count}`).join("; "),
      window_ms: WINDOW_MS,
    });
  }
}
