import type { LoadUse } from "./job.ts";
import type { SocketLoop } from "./socket_loop.ts";

/**
 * Starts to measure a job's cost on this thread; the returned function reads it. Linux only.
 *
 * Processor time alone overstates the load: the load generator polls without sleeping, so that the
 * server pays for no wake-ups. Polling without work counts as idle.
 */
export function startUseWatch(loop: SocketLoop): (sockets: number) => LoadUse {
  const startedAt = performance.now();
  const idleBefore = loop.idleMs;
  const cpuBefore = threadCpuMs();
  return (sockets) => {
    const wallMs = performance.now() - startedAt;
    const busyMs = Math.max(0, wallMs - (loop.idleMs - idleBefore));
    return { sockets, wallMs, busyMs, cpuMs: threadCpuMs() - cpuBefore };
  };
}

/** Reads the processor time of the first thread, which runs the jobs; the file starts with it. */
function threadCpuMs(): number {
  const [nanos = "0"] = Deno.readTextFileSync("/proc/self/schedstat").split(" ");
  return Number(nanos) / 1_000_000;
}
