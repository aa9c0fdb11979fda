/// <reference lib="dom" />
import type { FrameSeen } from "../../client/mod.ts";
import { frameEntry } from "./frame_entry.ts";
import { pageElement } from "./page_element.ts";
import type { Visited } from "./playground_room.ts";
import { RovingFocus } from "./roving_focus.ts";
import { soon } from "./soon.ts";
import { StickyScroll } from "./sticky_scroll.ts";
import { untilAborted } from "./until_aborted.ts";

/** Frames that are kept; older ones make room. */
const MAX_FRAMES = 500;

/** Lists every frame that goes over the wire. */
export function showFrames({ room, signal }: Visited): void {
  const list = pageElement("frames", HTMLOListElement);
  const pause = pageElement("pause", HTMLButtonElement);
  const heartbeats = pageElement("heartbeats", HTMLInputElement);
  const scroll = new StickyScroll(list);
  const focus = new RovingFocus(list, "summary", signal);
  let isPaused = false;
  /** What came and is not shown yet. */
  let fresh: { readonly seen: FrameSeen; readonly at: number }[] = [];

  function show(): void {
    const count = isPaused && fresh.length > 0 ? ` (${fresh.length})` : "";
    pause.textContent = isPaused ? `Go on${count}` : "Pause";
    pause.setAttribute("aria-pressed", String(isPaused));
    if (isPaused || fresh.length === 0) return;
    const entries = fresh.map(({ seen, at }) => frameEntry(seen, at));
    fresh = [];
    scroll.keepEnd(() => {
      list.append(...entries);
      while (list.childElementCount > MAX_FRAMES) list.firstElementChild?.remove();
    });
    focus.stopAtLast();
  }
  const showSoon = soon(show, signal);
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
    fresh = [];
    list.replaceChildren();
    show();
  }, { signal });
  untilAborted(
    signal,
    room.on("frame", (seen) => {
      fresh.push({ seen, at: Date.now() });
      if (fresh.length > MAX_FRAMES) fresh.shift();
      showSoon();
    }),
  );
}
