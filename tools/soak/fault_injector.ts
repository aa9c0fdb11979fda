import { delay } from "@std/async";
import { SeededRandom } from "../support/seeded_random.ts";
import type { Isolates } from "./soak_isolates.ts";
import type { SoakOptions } from "./soak_options.ts";
import type { InjectedFaults } from "./outcome.ts";
import type { Store } from "../support/backplane_store.ts";

/**
 * Injects faults at random moments, beyond the isolates' regular ends: kills isolates without a
 * warning, and cuts connections to the store.
 */
export class FaultInjector {
  readonly #stop = new AbortController();
  readonly #store: Store;
  readonly #isolates: Isolates;
  readonly #running: Promise<unknown>;
  #kills = 0;
  #cuts = 0;
  #connectionsCut = 0;

  /** Starts immediately. */
  constructor(store: Store, isolates: Isolates, { seed, killEveryMs, cutEveryMs }: SoakOptions) {
    this.#store = store;
    this.#isolates = isolates;
    // Each fault has its own random sequence, so that the duration of one does not change the
    // other.
    this.#running = Promise.all([
      this.#repeat(killEveryMs, new SeededRandom(seed), (random) => this.#kill(random)),
      this.#repeat(cutEveryMs, new SeededRandom(seed + 1), (random) => this.#cut(random)),
    ]);
    this.#running.catch(() => {/* stop() reports the error */});
  }

  /** Faults injected so far. */
  get injectedFaults(): InjectedFaults {
    return { kills: this.#kills, cuts: this.#cuts, connectionsCut: this.#connectionsCut };
  }

  /** Stops the injection. @throws {Error} if a fault could not be injected */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #repeat(
    everyMs: number,
    random: SeededRandom,
    inject: (random: SeededRandom) => void | Promise<void>,
  ): Promise<void> {
    const { signal } = this.#stop;
    while (everyMs > 0 && !signal.aborted) {
      // The wait is 0.5 to 1.5 times the period.
      const wait = everyMs / 2 + random.below(Math.ceil(everyMs));
      await delay(wait, { signal }).catch(() => {/* stopped */});
      if (!signal.aborted) await inject(random);
    }
  }

  #kill(random: SeededRandom): void {
    if (this.#isolates.killOne(random) !== null) this.#kills++;
  }

  async #cut(random: SeededRandom): Promise<void> {
    this.#connectionsCut += await this.#store.cut(random);
    this.#cuts++;
  }
}
