import { delay } from "@std/async";
import { SeededRandom } from "../support/seeded_random.ts";
import type { Isolates } from "./soak_isolates.ts";
import type { SoakOptions } from "./soak_options.ts";
import type { Disturbances } from "./outcome.ts";
import type { Store } from "../support/backplane_store.ts";

/** What goes wrong on top of the isolates' regular end: kills without a warning, and cut connections to the store, at moments that are drawn. */
export class Disturber {
  readonly #stop = new AbortController();
  readonly #store: Store;
  readonly #isolates: Isolates;
  readonly #running: Promise<unknown>;
  #kills = 0;
  #cuts = 0;
  #connectionsCut = 0;

  /** Begins at once. */
  constructor(store: Store, isolates: Isolates, { seed, killEveryMs, cutEveryMs }: SoakOptions) {
    this.#store = store;
    this.#isolates = isolates;
    // Each has chances of its own: how long one takes changes nothing for the other.
    this.#running = Promise.all([
      this.#again(killEveryMs, new SeededRandom(seed), (random) => this.#kill(random)),
      this.#again(cutEveryMs, new SeededRandom(seed + 1), (random) => this.#cut(random)),
    ]);
    this.#running.catch(() => {/* stop() tells */});
  }

  /** What was done so far. */
  get disturbances(): Disturbances {
    return { kills: this.#kills, cuts: this.#cuts, connectionsCut: this.#connectionsCut };
  }

  /** Ends it. @throws {Error} when something could not be disturbed */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #again(
    everyMs: number,
    random: SeededRandom,
    disturb: (random: SeededRandom) => void | Promise<void>,
  ): Promise<void> {
    const { signal } = this.#stop;
    while (everyMs > 0 && !signal.aborted) {
      // Half to one and a half of it.
      const wait = everyMs / 2 + random.below(Math.ceil(everyMs));
      await delay(wait, { signal }).catch(() => {/* stopped */});
      if (!signal.aborted) await disturb(random);
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
