/**
 * Quiet time before an isolate counts as idle. A promise given to `waitUntil` is reported on
 * another pipe than the response, and may arrive after it.
 */
const SETTLED_MS = 50;

/** Work of an isolate for the policy: requests without a response, and pending promises. */
export class Activity {
  readonly #now: () => number;
  #unanswered = 0;
  #promises = 0;
  #changedAt: number;

  /** `now` returns milliseconds of any origin. */
  constructor(now: () => number) {
    this.#now = now;
    this.#changedAt = now();
  }

  /** Number of requests without a complete response. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** True if no request and no promise is pending. */
  get isDone(): boolean {
    return this.#unanswered === 0 && this.#promises === 0;
  }

  /** True if nothing has been pending for a moment. */
  get isIdle(): boolean {
    return this.isDone && this.#quietMs >= SETTLED_MS;
  }

  /** Time since the last complete response; 0 while a request is pending. */
  get absentMs(): number {
    return this.#unanswered > 0 ? 0 : this.#quietMs;
  }

  /** Restarts the quiet time. */
  touch(): void {
    this.#changedAt = this.#now();
  }

  /** Counts a new request, or the end of its response. */
  count(requests: 1 | -1): void {
    this.#unanswered += requests;
    this.touch();
  }

  /** Sets the number of pending promises of `waitUntil`. */
  wait(promises: number): void {
    this.#promises = promises;
    this.touch();
  }

  get #quietMs(): number {
    return this.#now() - this.#changedAt;
  }
}
