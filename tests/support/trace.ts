import { deadline } from "@std/async";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

/** Ordered entries that callbacks add and a test waits for. */
export class Trace {
  readonly #entries: string[] = [];
  #addition = Promise.withResolvers<void>();

  get entries(): readonly string[] {
    return this.#entries;
  }

  add(entry: string): void {
    this.#entries.push(entry);
    this.#addition.resolve();
    this.#addition = Promise.withResolvers();
  }

  /**
   * Waits until `entry` has been added `count` times; rejects with all entries after the time
   * limit.
   */
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
        throw new Error(`Waited for ${awaited}; the entries are: ${this.#entries.join(", ")}`, { cause });
      });
    }
  }
}
