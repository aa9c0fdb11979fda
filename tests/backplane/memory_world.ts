import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import {
  createMemoryBackplane,
  type MemoryOptions,
  MemoryWorld,
} from "../../packages/server/src/backplane/memory/memory_backplane.ts";
import { type TestWorld, USUAL, type WorldOptions } from "./world.ts";

const START_MS = 1_800_000_000_000;

/** A memory on a clock of the test, with what it was asked to report. */
export class MemoryTestWorld implements TestWorld {
  readonly memory: MemoryWorld;
  /** What subscribers' `deliver` threw. */
  readonly deliverErrors: unknown[] = [];
  readonly #opened: Backplane[] = [];
  #now = START_MS;

  constructor(options: Partial<MemoryOptions> = {}) {
    this.memory = new MemoryWorld({
      ...USUAL,
      maxBytes: 64_000_000,
      now: () => this.#now,
      id: () => "world",
      onDeliverError: (error) => this.deliverErrors.push(error),
      ...options,
    });
  }

  open(): Promise<Backplane> {
    const backplane = createMemoryBackplane(this.memory);
    this.#opened.push(backplane);
    return Promise.resolve(backplane);
  }

  advance(ms: number): Promise<void> {
    this.#now += ms;
    this.memory.sweep();
    return Promise.resolve();
  }

  /** Lets time pass without anything being done about it. */
  moveClock(ms: number): void {
    this.#now += ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backplane of this.#opened) await backplane.close();
  }
}

/** Makes a memory for the contract's suite. */
export function createMemoryTestWorld(options: WorldOptions): Promise<TestWorld> {
  return Promise.resolve(new MemoryTestWorld(options));
}
