import type { RoomContext } from "../playground_room.ts";

/** Time without a key after which typing has stopped, in milliseconds. */
const PAUSE_MS = 4_000;

/** Typing state as the other members see it. */
export interface Typing {
  /** Call for each key. */
  start(): void;
  /** Call when the text was sent or deleted. */
  stop(): void;
}

/** Enters presence, with the state `{ typing }`. */
export function announceTyping({ room, signal }: RoomContext): Typing {
  let isTyping = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function show(typing: boolean): void {
    isTyping = typing;
    // The frames show a refusal, and the connection panel shows that the room is closed.
    room.presence.enter({ typing }).catch(() => {});
  }
  function stop(): void {
    clearTimeout(timer);
    if (isTyping) show(false);
  }

  show(false);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return {
    start() {
      clearTimeout(timer);
      timer = setTimeout(stop, PAUSE_MS);
      if (!isTyping) show(true);
    },
    stop,
  };
}
