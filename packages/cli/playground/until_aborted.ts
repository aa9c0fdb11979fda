/** Calls what ends something, such as `room.on` returns it, once the signal is aborted. */
export function untilAborted(signal: AbortSignal, ...ends: readonly (() => void)[]): void {
  for (const end of ends) signal.addEventListener("abort", end, { once: true });
}
