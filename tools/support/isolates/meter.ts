import { residentBytes } from "../processes/resident_memory.ts";
import type { Usage } from "./policy.ts";

const NANOS_PER_MS = 1_000_000;

/**
 * What an isolate has used since the meter was made: CPU time of the thread that runs its JavaScript, as the host counts it, and memory that
 * the process holds beyond what it held then. Read from /proc, which Linux alone has.
 */
export class Meter {
  readonly #pid: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #cpuBefore: number;
  readonly #memoryBefore: number;
  #last: Usage = { ageMs: 0, cpuMs: 0, memoryBytes: 0 };

  /** @throws {Deno.errors.NotFound} when the process has ended */
  constructor(pid: number, now: () => number) {
    this.#pid = pid;
    this.#now = now;
    this.#startedAt = now();
    this.#cpuBefore = mainThreadMs(pid);
    this.#memoryBefore = residentBytes(pid);
  }

  /** What was used until now; of a process that has ended, what was last seen. */
  read(): Usage {
    const ageMs = this.#now() - this.#startedAt;
    try {
      this.#last = {
        ageMs,
        cpuMs: mainThreadMs(this.#pid) - this.#cpuBefore,
        memoryBytes: Math.max(0, residentBytes(this.#pid) - this.#memoryBefore),
      };
    } catch {
      // Ended, or about to: /proc says so in several ways.
      this.#last = { ...this.#last, ageMs };
    }
    return this.#last;
  }
}

/** Deno runs JavaScript on the process' first thread. */
function mainThreadMs(pid: number): number {
  const [nanos = "0"] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ");
  return Number(nanos) / NANOS_PER_MS;
}
