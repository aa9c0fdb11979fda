/// <reference lib="dom" />
import type { RoomState } from "../../../client/mod.ts";
import { pageElement } from "../dom.ts";

/** Update interval in milliseconds. */
const TICK_MS = 100;

/** Shows the time to the next attempt. Call the returned function at each change of state. */
export function showCountdown(signal: AbortSignal): (state: RoomState) => void {
  const line = pageElement("countdown", HTMLSpanElement);
  let timer: ReturnType<typeof setInterval> | undefined;

  function show(state: RoomState): void {
    clearInterval(timer);
    line.textContent = "";
    if (state.type !== "waiting") return;
    const endsAt = performance.now() + state.retryAt - Date.now();
    const write = () => {
      const leftMs = Math.max(0, endsAt - performance.now());
      line.textContent = `Retrying in ${(leftMs / 1000).toFixed(1)} s.`;
    };
    write();
    timer = setInterval(write, TICK_MS);
  }
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  return show;
}
