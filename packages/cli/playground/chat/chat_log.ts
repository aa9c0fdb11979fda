/// <reference lib="dom" />
import type { Gap } from "../../../client/mod.ts";
import { createElement, pageElement, throttle } from "../dom.ts";
import { gapEntry, messageEntry, type UnsentEntry } from "./chat_entry.ts";
import type { ReceivedMessage } from "../playground_room.ts";
import { StickyScroll } from "../sticky_scroll.ts";

/** Limit of shown entries. The oldest are removed first, and can be loaded again. */
const MAX_ENTRIES = 1_000;

/**
 * The messages on the page, in three lists: the history, which screen readers do not announce; the
 * new messages; and the own unsent messages, always last.
 */
export class ChatLog {
  readonly #history = pageElement("history-messages", HTMLOListElement);
  readonly #new = pageElement("new-messages", HTMLOListElement);
  readonly #unsent = pageElement("unsent-messages", HTMLOListElement);
  readonly #empty = pageElement("no-messages", HTMLParagraphElement);
  readonly #newest = pageElement("newest", HTMLButtonElement);
  readonly #scroll: StickyScroll;
  readonly #scheduleShow: () => void;
  #changes: (() => void)[] = [];
  /** True after an own message: its author wants to see it. */
  #hasSent = false;
  /** Offsets of the shown messages by entry. */
  readonly #offsets = new Map<Element, number>();
  #last: ReceivedMessage | undefined;

  constructor(signal: AbortSignal) {
    const box = pageElement("log", HTMLDivElement);
    this.#scroll = new StickyScroll(box);
    this.#scheduleShow = throttle(() => this.#show(), signal);
    for (const list of [this.#history, this.#new, this.#unsent]) list.replaceChildren();
    this.#empty.hidden = false;
    this.#newest.hidden = true;
    this.#newest.addEventListener("click", () => this.#scrollToEnd(), { signal });
    box.addEventListener("scroll", () => {
      if (this.#scroll.isAtEnd) this.#newest.hidden = true;
    }, { signal });
  }

  /** Oldest offset shown. */
  get oldest(): number | undefined {
    const [offset] = this.#offsets.values();
    return offset;
  }

  /** Queues an update. Updates run in order after a short pause, and keep the end visible. */
  change(update: () => void): void {
    this.#changes.push(update);
    this.#scheduleShow();
  }

  /** Adds a message; `isNew` if it was published after the page joined. */
  add(message: ReceivedMessage, isOwn: boolean, isNew: boolean): void {
    this.change(() => {
      const entry = messageEntry(message, isOwn, this.#last);
      this.#last = message;
      if (message.offset !== undefined) this.#offsets.set(entry, message.offset);
      this.#append(isNew ? this.#new : this.#history, entry);
      this.#trim();
    });
  }

  /** Adds a page of older messages before all others. */
  prepend(messages: readonly ReceivedMessage[], isOwn: (message: ReceivedMessage) => boolean): void {
    const entries = messages.map((message, at) => messageEntry(message, isOwn(message), messages[at - 1]));
    this.#scroll.prepend(() => this.#history.prepend(...entries));
    const shown = [...this.#offsets];
    this.#offsets.clear();
    messages.forEach(({ offset }, at) => {
      const entry = entries[at];
      if (entry && offset !== undefined) this.#offsets.set(entry, offset);
    });
    for (const [entry, offset] of shown) this.#offsets.set(entry, offset);
  }

  /** Adds an entry for a gap. After a lost history, the shown offsets cannot be read back from. */
  addGap(gap: Gap): void {
    this.change(() => {
      if (gap.to === null) this.#offsets.clear();
      this.#last = undefined;
      this.#append(this.#new, gapEntry(gap));
    });
  }

  /** Adds a note about the log itself. */
  addNote(text: string): void {
    this.change(() => this.#append(this.#new, createElement("li", { class: "gap" }, text)));
  }

  /** Adds an own message that the room does not have yet. */
  addUnsent({ element }: UnsentEntry): void {
    this.#hasSent = true;
    this.change(() => this.#append(this.#unsent, element));
  }

  #show(): void {
    const changes = this.#changes;
    this.#changes = [];
    const isAtEnd = this.#scroll.keepEnd(() => changes.forEach((change) => change()));
    if (isAtEnd || this.#hasSent) this.#scrollToEnd();
    this.#hasSent = false;
  }

  #append(list: HTMLElement, entry: HTMLElement): void {
    list.append(entry);
    this.#empty.hidden = true;
    this.#newest.hidden = false;
  }

  #scrollToEnd(): void {
    this.#scroll.scrollToEnd();
    this.#newest.hidden = true;
  }

  #trim(): void {
    while (this.#history.childElementCount + this.#new.childElementCount > MAX_ENTRIES) {
      const entry = this.#history.firstElementChild ?? this.#new.firstElementChild;
      if (!entry) return;
      this.#offsets.delete(entry);
      entry.remove();
    }
  }
}
