import type { PostgresEvent } from "./postgres_options.ts";
import { pause } from "../with_timeout.ts";

/** A job that runs repeatedly in the background. */
export interface PeriodicJob {
  /**
   * Pause before each run, in milliseconds. Each pause varies by up to 10 %, so that isolates do
   * not all run a job at the same moment.
   */
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
}

/** Options of `PeriodicJobs`. */
export interface PeriodicJobsOptions {
  readonly jobs: readonly PeriodicJob[];
  /** Returns false while the database is unreachable: runs are skipped then. */
  readonly isConnected: () => boolean;
  /** Receives each failure. The job runs again after its next pause. */
  readonly onEvent: (event: PostgresEvent) => void;
  /** Random number from 0 to 1. */
  readonly random: () => number;
}

/** Runs periodic jobs in the background until disposed. */
export class PeriodicJobs implements AsyncDisposable {
  readonly #options: PeriodicJobsOptions;
  readonly #end = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(options: PeriodicJobsOptions) {
    this.#options = options;
    this.#running = Promise.all(options.jobs.map((job) => this.#repeat(job)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #repeat({ everyMs, run }: PeriodicJob): Promise<void> {
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
