import { AsyncLocalStorage } from "node:async_hooks";
import type { LoadJob, LoadUse } from "../load/job.ts";
import { summarize, type Summary } from "../statistics.ts";

/** From here on the load generator counts as busy with its time, and it or a server with a core. */
const BUSY_SHARE = 0.9;

/** What kept a server from being busy itself: see `judgeLimit`. */
export type Limit = "load generator" | "processors" | null;

/** How busy the load generator was with one kind of work, over all measured stretches. */
export interface LoadLine {
  readonly case: string;
  readonly deno: string;
  /** Such as `fan-out, bun, 1000 sockets, 16 in flight`. */
  readonly work: string;
  /** Its time with something to do, as a share of the stretch. */
  readonly busy: Summary;
  /** Cores that its thread used; it looks for work without sleeping, so that this is near 1 whenever much arrives. */
  readonly cores: Summary;
  readonly serverCores: Summary;
  readonly limit: Limit;
}

interface Samples {
  readonly busy: number[];
  readonly cores: number[];
  readonly serverCores: number[];
}

const current = new AsyncLocalStorage<LoadLedger>();

/** Keeps account of what measured stretches of a case took of the load generator. */
export class LoadLedger {
  readonly #samples = new Map<string, Samples>();
  #asked: { readonly work: string; readonly use: LoadUse }[] = [];

  /** The ledger of the case that is running; undefined outside of `during`. */
  static get current(): LoadLedger | undefined {
    return current.getStore();
  }

  /** Runs a case; what it measures meanwhile comes into this ledger. */
  during<T>(run: () => Promise<T>): Promise<T> {
    return current.run(this, run);
  }

  /** A measured stretch begins: what was asked before it does not count. */
  begin(): void {
    this.#asked = [];
  }

  /** A job was done. */
  add(job: LoadJob, use: LoadUse): void {
    const more = job.type === "fan-out"
      ? `, ${job.inFlight} in flight`
      : job.type === "open"
      ? `, ${job.dialect}`
      : "";
    this.#asked.push({ work: `${job.type}, ${job.group}, ${use.sockets} sockets${more}`, use });
  }

  /** The measured stretch is over; the server used so many cores in it. */
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

  /** What was measured, each kind of work on a line. */
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
 * Where the load generator always had something to do while the server did not use its core, the server waited for it: if
 * it had a core to itself it is too slow; if not, other processes had what both of them needed.
 */
function judgeLimit(busy: Summary, cores: Summary, serverCores: Summary): Limit {
  if (busy.median < BUSY_SHARE || serverCores.median >= BUSY_SHARE) return null;
  return cores.median >= BUSY_SHARE ? "load generator" : "processors";
}
