import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import {
  createMemoryBackplane,
  type MemoryOptions,
  MemoryStore,
} from "../../packages/server/src/backplane/memory/memory_backplane.ts";
import { type TestWorld, USUAL, type WorldOptions } from "./world.ts";

const START_MS = 1_800_000_000_000;

/** A memory store on the test's clock; records reported errors. */
export class MemoryTestWorld implements TestWorld {
  readonly store: MemoryStore;
  /** Errors that subscribers' `deliver` threw. */
  readonly deliverErrors: unknown[] = [];
  readonly #opened: Backplane[] = [];
  #now = START_MS;

  constructor(options: Partial<MemoryOptions> = {}) {
    this.store = new MemoryStore({
      ...USUAL,
      maxBytes: 64_000_000,
      now: () => this.#now,
      wallNow: () => this.#now,
      id: () => "world",
      onDeliverError: (error) => this.deliverErrors.push(error),
      ...options,
    });
  }

  open(): Promise<Backplane> {
    const backplane = createMemoryBackplane(this.store);
    this.#opened.push(backplane);
    return Promise.resolve(backplane);
  }

  advance(ms: number): Promise<void> {
    this.#now += ms;
    this.store.sweep();
    return Promise.resolve();
  }

  /** Moves the clock without running due tasks. */
  moveClock(ms: number): void {
    this.#now += ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backplane of this.#opened) await backplane.close();
  }
}

/** Creates a memory store for the contract suite. */
export function createMemoryTestWorld(options: WorldOptions): Promise<TestWorld> {
  return Promise.resolve(new MemoryTestWorld(options));
}
