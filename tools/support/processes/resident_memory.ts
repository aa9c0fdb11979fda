/**
 * Resident memory of a process in bytes: VmRSS of /proc/PID/status. Linux only.
 * @throws {Deno.errors.NotFound} if the process has ended
 */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1_024;
}
