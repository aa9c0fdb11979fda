import type { PostgresEvent } from "./postgres_options.ts";
import { pause } from "../with_timeout.ts";

/** Something that is done again and again. */
export interface Chore {
  /** How long to pause before each time, in milliseconds; the pauses differ by a tenth, so that isolates do not do it all at once. */
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
}

/** What upkeep is given. */
export interface UpkeepOptions {
  readonly chores: readonly Chore[];
  /** Whether it makes sense to try now. */
  readonly isConnected: () => boolean;
  /** Told what failed; it is done again at its time. */
  readonly onEvent: (event: PostgresEvent) => void;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Does chores in the background, until it is disposed of. */
export class Upkeep implements AsyncDisposable {
  readonly #options: UpkeepOptions;
  readonly #end = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#running = Promise.all(options.chores.map((chore) => this.#repeat(chore)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #repeat({ everyMs, run }: Chore): Promise<void> {
    const { isConnected, onEvent, random } = this.#options;
    const { signal } = this.#end;
    while (!signal.aborted) {
      await pause(everyMs * (0.9 + random() / 5), signal);
      if (signal.aborted || !isConnected()) continue;
      try {
        await run();
      } catch (error) {
        if (!signal.aborted) onEvent({ type: "failed", error });
      }
    }
  }
}
