import type { Visited } from "./playground_room.ts";

/** After this time without a key nobody is typing any more, in milliseconds. */
const PAUSE_MS = 4_000;

/** What the others see of one's typing. */
export interface Typing {
  /** A key was pressed. */
  goesOn(): void;
  /** It was sent or thrown away. */
  stops(): void;
}

/** Enters presence, with whether one is typing as the state. */
export function announceTyping({ room, signal }: Visited): Typing {
  let isTyping = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function show(typing: boolean): void {
    isTyping = typing;
    // When it is forbidden one is not shown, and the frames say why; `closed` is said by the state.
    room.presence.enter({ typing }).catch(() => {});
  }
  function stops(): void {
    clearTimeout(timer);
    if (isTyping) show(false);
  }

  show(false);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return {
    goesOn() {
      clearTimeout(timer);
      timer = setTimeout(stops, PAUSE_MS);
      if (!isTyping) show(true);
    },
    stops,
  };
}
