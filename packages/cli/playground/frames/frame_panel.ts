/// <reference lib="dom" />
import type { FrameSeen } from "../../../client/mod.ts";
import { onAbort, pageElement, throttle } from "../dom.ts";
import { frameEntry } from "./frame_entry.ts";
import type { RoomContext } from "../playground_room.ts";
import { RovingFocus } from "./roving_focus.ts";
import { StickyScroll } from "../sticky_scroll.ts";

/** Limit of frames; the oldest are removed. */
const MAX_FRAMES = 500;

/** Lists every frame that is sent or received. */
export function showFrames({ room, signal }: RoomContext): void {
  const list = pageElement("frames", HTMLOListElement);
  const pause = pageElement("pause", HTMLButtonElement);
  const heartbeats = pageElement("heartbeats", HTMLInputElement);
  const scroll = new StickyScroll(list);
  const focus = new RovingFocus(list, "summary", signal);
  let isPaused = false;
  /** Frames that are not shown yet. */
  let pending: { readonly seen: FrameSeen; readonly at: number }[] = [];

  function show(): void {
    const count = isPaused && pending.length > 0 ? ` (${pending.length})` : "";
    pause.textContent = isPaused ? `Resume${count}` : "Pause";
    pause.setAttribute("aria-pressed", String(isPaused));
    if (isPaused || pending.length === 0) return;
    const entries = pending.map(({ seen, at }) => frameEntry(seen, at));
    pending = [];
    scroll.keepEnd(() => {
      list.append(...entries);
      while (list.childElementCount > MAX_FRAMES) list.firstElementChild?.remove();
    });
    focus.setTabStopToLast();
  }
  const scheduleShow = throttle(show, signal);
  const filter = () => void list.classList.toggle("without-heartbeats", !heartbeats.checked);

  list.replaceChildren();
  show();
  filter();
  heartbeats.addEventListener("change", filter, { signal });
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    show();
  }, { signal });
  pageElement("clear", HTMLButtonElement).addEventListener("click", () => {
    pending = [];
    list.replaceChildren();
    show();
  }, { signal });
  onAbort(
    signal,
    room.on("frame", (seen) => {
      pending.push({ seen, at: Date.now() });
      if (pending.length > MAX_FRAMES) pending.shift();
      scheduleShow();
    }),
  );
}
