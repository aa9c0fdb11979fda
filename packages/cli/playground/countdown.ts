/// <reference lib="dom" />
import type { RoomState } from "../../client/mod.ts";
import { pageElement } from "./page_element.ts";

/** How often it is written anew, in milliseconds. */
const TICK_MS = 100;

/** Counts down to the next attempt; returns what a change of state is told to. */
export function showCountdown(signal: AbortSignal): (state: RoomState) => void {
  const line = pageElement("countdown", HTMLSpanElement);
  let timer: ReturnType<typeof setInterval> | undefined;

  function show(state: RoomState): void {
    clearInterval(timer);
    line.textContent = "";
    if (state.type !== "waiting") return;
    const write = () => {
      const leftMs = Math.max(0, state.retryAt - Date.now());
      line.textContent = `Again in ${(leftMs / 1000).toFixed(1)} s.`;
    };
    write();
    timer = setInterval(write, TICK_MS);
  }
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  return show;
}
