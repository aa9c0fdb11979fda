import type { Clock } from "../clock.ts";

/** Calls back once, later, before the next drawing. Returns a function that cancels. */
export type RequestFrame = (draw: () => void) => () => void;

/** Time between drawings without a screen, in milliseconds. */
const FRAME_MS = 16;

interface Page {
  requestAnimationFrame?(draw: () => void): number;
  cancelAnimationFrame?(id: number): void;
}

/** The page's animation frames, or timers in a runtime without a screen. */
export function createFrames(clock: Clock): RequestFrame {
  const page = globalThis as Page;
  return (draw) => {
    const id = page.requestAnimationFrame?.(draw);
    if (id === undefined) return clock.setTimer(draw, FRAME_MS);
    return () => page.cancelAnimationFrame?.(id);
  };
}
