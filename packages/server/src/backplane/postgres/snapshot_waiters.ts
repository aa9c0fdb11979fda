import type { Snapshot } from "./statements.ts";

/** Call that waits until the stream has reached a snapshot. */
interface Waiter {
  readonly snapshot: Snapshot;
  readonly reached: PromiseWithResolvers<void>;
}

/** Calls that wait until a room's stream has reached a snapshot. */
export class SnapshotWaiters {
  readonly #hasReached: (snapshot: Snapshot) => boolean;
  readonly #waiters = new Set<Waiter>();

  constructor(hasReached: (snapshot: Snapshot) => boolean) {
    this.#hasReached = hasReached;
  }

  /** Resolves once the stream has reached the snapshot; rejects with the error of `rejectAll`. */
  async add(snapshot: Snapshot): Promise<void> {
    if (this.#hasReached(snapshot)) return;
    const waiter = { snapshot, reached: Promise.withResolvers<void>() };
    this.#waiters.add(waiter);
    await waiter.reached.promise;
  }

  /** Resolves the calls whose snapshot the stream has reached. */
  resolveReached(): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (!this.#hasReached(waiter.snapshot)) continue;
      this.#waiters.delete(waiter);
      waiter.reached.resolve();
    }
  }

  /** Rejects all calls. */
  rejectAll(error: unknown): void {
    for (const { reached } of this.#waiters) reached.reject(error);
    this.#waiters.clear();
  }
}
