import { deadline } from "@std/async";
import { PATIENCE_MS } from "./wire/socket_client.ts";

/** Entries in the order in which they were added, and a way to wait for them. Callbacks add, the test waits. */
export class Trace {
  readonly #entries: string[] = [];
  #addition = Promise.withResolvers<void>();

  /** Everything so far. */
  get entries(): readonly string[] {
    return this.#entries;
  }

  add(entry: string): void {
    this.#entries.push(entry);
    this.#addition.resolve();
    this.#addition = Promise.withResolvers();
  }

  /** Waits until `entry` has been added `count` times; rejects with what there is when that does not come. */
  async until(entry: string, count: number = 1): Promise<void> {
    await this.#when(() => this.#entries.filter((one) => one === entry).length >= count, `${count} ${entry}`);
  }

  /** Waits until there are `count` entries. */
  async untilCount(count: number): Promise<void> {
    await this.#when(() => this.#entries.length >= count, `${count} entries`);
  }

  async #when(holds: () => boolean, awaited: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!holds()) {
      const left = giveUpAt - performance.now();
      await deadline(this.#addition.promise, Math.max(0, left)).catch((cause: unknown) => {
        throw new Error(`Waited for ${awaited}; there is only: ${this.#entries.join(", ")}`, { cause });
      });
    }
  }
}
