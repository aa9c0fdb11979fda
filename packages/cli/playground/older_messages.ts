/// <reference lib="dom" />
import type { ChatLog } from "./chat_log.ts";
import { pageElement } from "./page_element.ts";
import type { HeardMessage, Visited } from "./playground_room.ts";

/** Messages that one press brings. */
const PAGE = 50;

/** What offers older messages. */
export interface Older {
  /** Looks whether there may be any before what is shown. */
  readonly offer: () => void;
}

/** Loads what was said before everything that is shown, a page at a press. */
export function showOlder(
  { room, signal }: Visited,
  log: ChatLog,
  isOwn: (message: HeardMessage) => boolean,
): Older {
  const button = pageElement("older", HTMLButtonElement);
  const box = pageElement("log", HTMLDivElement);
  button.hidden = true;
  button.disabled = false;
  /** Before this offset nothing is kept. */
  let first = 1;

  function offer(): void {
    const isFocused = document.activeElement === button;
    button.hidden = log.oldest === undefined || log.oldest <= first;
    if (button.hidden && isFocused) box.focus();
  }

  async function load(before: number): Promise<void> {
    button.disabled = true;
    try {
      const { messages, more } = await room.history({ before, limit: PAGE });
      if (signal.aborted) return;
      log.prepend(messages, isOwn);
      if (!more) first = messages[0]?.offset ?? before;
    } catch (error) {
      if (!signal.aborted) log.addNote(`Older messages could not be loaded: ${String(error)}`);
    } finally {
      button.disabled = false;
      if (!signal.aborted) offer();
    }
  }

  button.addEventListener("click", () => {
    if (log.oldest !== undefined) void load(log.oldest);
  }, { signal });
  return { offer };
}
