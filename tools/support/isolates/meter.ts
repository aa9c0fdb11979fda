import { residentBytes } from "../processes/resident_memory.ts";
import type { Usage } from "./policy.ts";

const NANOS_PER_MS = 1_000_000;

/**
 * Usage of an isolate since the meter's creation: CPU time of its JavaScript thread, as the host
 * counts it, and additional memory of the process. Linux only, because it reads /proc.
 */
export class Meter {
  readonly #pid: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #cpuBefore: number;
  readonly #memoryBefore: number;
  #last: Usage = { ageMs: 0, cpuMs: 0, memoryBytes: 0 };

  /** @throws {Deno.errors.NotFound} if the process has ended */
  constructor(pid: number, now: () => number) {
    this.#pid = pid;
    this.#now = now;
    this.#startedAt = now();
    this.#cpuBefore = mainThreadMs(pid);
    this.#memoryBefore = residentBytes(pid);
  }

  /** Reads the usage; returns the last one of an ended process. */
  read(): Usage {
    const ageMs = this.#now() - this.#startedAt;
    try {
      this.#last = {
        ageMs,
        cpuMs: mainThreadMs(this.#pid) - this.#cpuBefore,
        memoryBytes: Math.max(0, residentBytes(this.#pid) - this.#memoryBefore),
      };
    } catch {
      // The process has ended or is ending; /proc reports that in several ways.
      this.#last = { ...this.#last, ageMs };
    }
    return this.#last;
  }
}

/** CPU time of the process' first thread, which runs the JavaScript. */
function mainThreadMs(pid: number): number {
  const [nanos = "0"] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ");
  return Number(nanos) / NANOS_PER_MS;
}
