import type { Clock } from "../clock.ts";

/** Dependencies of a sampler. */
export interface SamplerDeps<Value> {
  readonly clock: Clock;
  /** Shortest time from one send to the next, in milliseconds. */
  readonly intervalMs: number;
  /** False while `send` would fail. */
  readonly canSend: () => boolean;
  /** Sends a value. A rejection means that it was not sent. */
  readonly send: (value: Value) => Promise<void>;
}

/**
 * Sends the newest of many values: the first at once, then at most one each interval. The last one
 * is always sent, after an outage too. One send is under way at a time.
 */
export class Sampler<Value> {
  readonly #deps: SamplerDeps<Value>;
  #unsent: { readonly value: Value } | null = null;
  #isWaiting = false;
  #isStopped = false;
  #cancelTimer = () => {};

  constructor(deps: SamplerDeps<Value>) {
    this.#deps = deps;
  }

  /** Replaces the value to send. */
  push(value: Value): void {
    this.#unsent = { value };
    void this.flush();
  }

  /** Sends the value that waits, if it may be sent: called when `canSend` becomes true. */
  async flush(): Promise<void> {
    const { clock, intervalMs, canSend, send } = this.#deps;
    const sent = this.#unsent;
    if (!sent || this.#isWaiting || this.#isStopped || !canSend()) return;
    this.#unsent = null;
    this.#isWaiting = true;
    const interval = new Promise<void>((resolve) => {
      this.#cancelTimer = clock.setTimer(resolve, intervalMs);
    });
    await send(sent.value).catch(() => this.#unsent ??= sent);
    await interval;
    this.#isWaiting = false;
    await this.flush();
  }

  /** Drops the value that waits. Nothing is sent afterwards. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }
}
