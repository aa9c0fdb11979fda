/**
 * For so long nothing must have happened before an isolate looks idle: a promise given to `waitUntil` is reported on another pipe than the
 * response that it was given before.
 */
const SETTLED_MS = 50;

/** What an isolate is busy with, as far as the policy asks: requests without a response, and promises that it waits for. */
export class Activity {
  readonly #now: () => number;
  #unanswered = 0;
  #promises = 0;
  #changedAt: number;

  /** `now` in milliseconds; only differences count. */
  constructor(now: () => number) {
    this.#now = now;
    this.#changedAt = now();
  }

  /** Requests whose response is not complete. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** True if nothing is under way. */
  get isDone(): boolean {
    return this.#unanswered === 0 && this.#promises === 0;
  }

  /** True if nothing has been under way for a moment. */
  get looksIdle(): boolean {
    return this.isDone && this.#quietMs >= SETTLED_MS;
  }

  /** How long ago the last response was complete; 0 while one is not. */
  get absentMs(): number {
    return this.#unanswered > 0 ? 0 : this.#quietMs;
  }

  /** Something else happened: quiet begins anew. */
  touch(): void {
    this.#changedAt = this.#now();
  }

  /** A request is given to the isolate, or its response is complete. */
  count(requests: 1 | -1): void {
    this.#unanswered += requests;
    this.touch();
  }

  /** So many promises given to `waitUntil` are pending. */
  wait(promises: number): void {
    this.#promises = promises;
    this.touch();
  }

  get #quietMs(): number {
    return this.#now() - this.#changedAt;
  }
}
