/**
 * Processor time of a process, over all threads, in microseconds. Linux only. Reads
 * /proc/PID/task/TID/schedstat (nanoseconds), and keeps the last value of ended threads. Without
 * schedstat it reads utime + stime of /proc/PID/stat, in ticks of 10 ms.
 */
export class CpuClock {
  readonly #pid: number;
  readonly #seen = new Map<string, number>();
  #ended = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** @throws {Deno.errors.NotFound} if the process has ended */
  micros(): number {
    let running = 0;
    for (const { name: thread } of Deno.readDirSync(`/proc/${this.#pid}/task`)) {
      const nanos = threadNanos(this.#pid, thread);
      const before = this.#seen.get(thread) ?? 0;
      if (nanos < before) this.#ended += before; // the number of an ended thread was given to a new one
      this.#seen.set(thread, nanos);
    }
    for (const nanos of this.#seen.values()) running += nanos;
    return running > 0 ? (running + this.#ended) / 1_000 : ticksMicros(this.#pid);
  }
}

function threadNanos(pid: number, thread: string): number {
  try {
    const [nanos = "0"] = Deno.readTextFileSync(`/proc/${pid}/task/${thread}/schedstat`).split(" ");
    return Number(nanos);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0; // ended since the directory was read, or no schedstat
    throw error;
  }
}

const TICK_MICROS = 10_000; // getconf CLK_TCK is 100 on every Linux that Deno is built for

function ticksMicros(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}
