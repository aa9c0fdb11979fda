import { AsyncLocalStorage } from "node:async_hooks";
import type { LoadJob, LoadUse } from "../load/job.ts";
import { summarize, type Summary } from "../statistics.ts";

/** Share from which a thread counts as busy, of its time or of a core. */
const BUSY_SHARE = 0.9;

/** Bottleneck other than the server; see `judgeLimit`. */
export type Limit = "load generator" | "processors" | null;

/** Usage of the load generator for one kind of work, over all measurements. */
export interface LoadLine {
  readonly case: string;
  readonly deno: string;
  /** Description, such as `fan-out, bun, 1000 sockets, 16 in flight`. */
  readonly work: string;
  /** Share of time with work. */
  readonly busy: Summary;
  /**
   * Cores that its thread used. The thread polls without sleeping, so the value is near 1 under
   * load.
   */
  readonly cores: Summary;
  readonly serverCores: Summary;
  readonly limit: Limit;
}

interface Samples {
  readonly busy: number[];
  readonly cores: number[];
  readonly serverCores: number[];
}

const current = new AsyncLocalStorage<LoadUsageRecorder>();

/** Records the usage of the load generator during the measurements of a case. */
export class LoadUsageRecorder {
  readonly #samples = new Map<string, Samples>();
  #asked: { readonly work: string; readonly use: LoadUse }[] = [];

  /** Recorder of the running case; undefined outside of `during`. */
  static get current(): LoadUsageRecorder | undefined {
    return current.getStore();
  }

  /** Runs a case and records its measurements. */
  during<T>(run: () => Promise<T>): Promise<T> {
    return current.run(this, run);
  }

  /** Starts a measurement; earlier jobs do not count. */
  begin(): void {
    this.#asked = [];
  }

  /** Records a finished job. */
  add(job: LoadJob, use: LoadUse): void {
    const more = job.type === "fan-out"
      ? `, ${job.inFlight} in flight`
      : job.type === "open"
      ? `, ${job.dialect}`
      : "";
    this.#asked.push({ work: `${job.type}, ${job.group}, ${use.sockets} sockets${more}`, use });
  }

  /** Ends a measurement, in which the server used `serverCores`. */
  end(serverCores: number): void {
    for (const { work, use } of this.#asked) {
      const samples = this.#samples.get(work) ?? { busy: [], cores: [], serverCores: [] };
      this.#samples.set(work, samples);
      samples.busy.push(use.busyMs / use.wallMs);
      samples.cores.push(use.cpuMs / use.wallMs);
      samples.serverCores.push(serverCores);
    }
    this.#asked = [];
  }

  /** Returns one line per kind of work. */
  lines(where: { readonly case: string; readonly deno: string }): LoadLine[] {
    return [...this.#samples].map(([work, samples]) => {
      const busy = summarize(samples.busy);
      const cores = summarize(samples.cores);
      const serverCores = summarize(samples.serverCores);
      return { ...where, work, busy, cores, serverCores, limit: judgeLimit(busy, cores, serverCores) };
    });
  }
}

/**
 * Names the bottleneck if the load generator always had work while the server left its core idle.
 * With a core of its own, the load generator is too slow. Without one, other processes used the
 * processors.
 */
function judgeLimit(busy: Summary, cores: Summary, serverCores: Summary): Limit {
  if (busy.median < BUSY_SHARE || serverCores.median >= BUSY_SHARE) return null;
  return cores.median >= BUSY_SHARE ? "load generator" : "processors";
}
