/// <reference lib="dom" />
import { pageElement } from "../dom.ts";
import type { ChatLog } from "./chat_log.ts";
import type { ReceivedMessage, RoomContext } from "../playground_room.ts";

/** Messages that one click loads. */
const PAGE_SIZE = 50;

/** Button that loads older messages. */
export interface OlderMessages {
  /** Shows the button if the room may have older messages. */
  readonly update: () => void;
}

/** Loads older messages, one page per click. */
export function showOlder(
  { room, signal }: RoomContext,
  log: ChatLog,
  isOwn: (message: ReceivedMessage) => boolean,
): OlderMessages {
  const button = pageElement("older", HTMLButtonElement);
  const box = pageElement("log", HTMLDivElement);
  button.hidden = true;
  button.disabled = false;
  /** First retained offset, as far as known. */
  let first = 1;

  function update(): void {
    const isFocused = document.activeElement === button;
    button.hidden = log.oldest === undefined || log.oldest <= first;
    if (button.hidden && isFocused) box.focus();
  }

  async function load(before: number): Promise<void> {
    button.disabled = true;
    try {
      const { messages, more } = await room.history({ before, limit: PAGE_SIZE });
      if (signal.aborted) return;
      log.prepend(messages, isOwn);
      if (!more) first = messages[0]?.offset ?? before;
    } catch (error) {
      if (!signal.aborted) log.addNote(`Could not load older messages: ${String(error)}`);
    } finally {
      button.disabled = false;
      if (!signal.aborted) update();
    }
  }

  button.addEventListener("click", () => {
    if (log.oldest !== undefined) void load(log.oldest);
  }, { signal });
  return { update };
}
