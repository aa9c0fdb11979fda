import type { LoadUse } from "./job.ts";
import type { SocketLoop } from "./socket_loop.ts";

/**
 * Begins to watch what a job takes of this thread; the function it returns tells what it took until then.
 *
 * Processor time alone does not say how busy the load generator is: it looks for work without sleeping, so as not to cost
 * the server a wake-up a message. What it found nothing in is idle. Linux only.
 */
export function startUseWatch(loop: SocketLoop): (sockets: number) => LoadUse {
  const begunAt = performance.now();
  const idleBefore = loop.idleMs;
  const cpuBefore = threadCpuMs();
  return (sockets) => {
    const wallMs = performance.now() - begunAt;
    const busyMs = Math.max(0, wallMs - (loop.idleMs - idleBefore));
    return { sockets, wallMs, busyMs, cpuMs: threadCpuMs() - cpuBefore };
  };
}

/** Jobs run on the process's first thread, whose file this is: nanoseconds on a processor come first. */
function threadCpuMs(): number {
  const [nanos = "0"] = Deno.readTextFileSync("/proc/self/schedstat").split(" ");
  return Number(nanos) / 1_000_000;
}
