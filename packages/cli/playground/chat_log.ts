/// <reference lib="dom" />
import type { Gap } from "../../client/mod.ts";
import { gapEntry, messageEntry, type UnsentEntry } from "./chat_entry.ts";
import { createElement } from "./create_element.ts";
import { pageElement } from "./page_element.ts";
import type { HeardMessage } from "./playground_room.ts";
import { soon } from "./soon.ts";
import { StickyScroll } from "./sticky_scroll.ts";

/** Entries that are shown; the oldest make room for new ones, and can be loaded again. */
const MAX_ENTRIES = 1_000;

/**
 * The messages on the page: what was said before one came, which screen readers do not read out; what is said now; and what of
 * one's own is still unsent, always last.
 */
export class ChatLog {
  readonly #earlier = pageElement("earlier-messages", HTMLOListElement);
  readonly #now = pageElement("messages", HTMLOListElement);
  readonly #unsent = pageElement("unsent-messages", HTMLOListElement);
  readonly #empty = pageElement("no-messages", HTMLParagraphElement);
  readonly #newest = pageElement("newest", HTMLButtonElement);
  readonly #scroll: StickyScroll;
  readonly #showSoon: () => void;
  #changes: (() => void)[] = [];
  /** Whoever says something wants to see it. */
  #hasSpoken = false;
  /** Offsets of the messages that are shown, by their entries. */
  readonly #offsets = new Map<Element, number>();
  #last: HeardMessage | undefined;

  constructor(signal: AbortSignal) {
    const box = pageElement("log", HTMLDivElement);
    this.#scroll = new StickyScroll(box);
    this.#showSoon = soon(() => this.#show(), signal);
    for (const list of [this.#earlier, this.#now, this.#unsent]) list.replaceChildren();
    this.#empty.hidden = false;
    this.#newest.hidden = true;
    this.#newest.addEventListener("click", () => this.#toEnd(), { signal });
    box.addEventListener("scroll", () => {
      if (this.#scroll.isAtEnd) this.#newest.hidden = true;
    }, { signal });
  }

  /** The oldest offset that is shown. */
  get oldest(): number | undefined {
    const [offset] = this.#offsets.values();
    return offset;
  }

  /** Changes something, soon, in the order in which it was asked for; who was at the end stays there. */
  change(update: () => void): void {
    this.#changes.push(update);
    this.#showSoon();
  }

  /** Adds a message; `isNew` when it was said while one was there. */
  add(message: HeardMessage, isOwn: boolean, isNew: boolean): void {
    this.change(() => {
      const entry = messageEntry(message, isOwn, this.#last);
      this.#last = message;
      if (message.offset !== undefined) this.#offsets.set(entry, message.offset);
      this.#append(isNew ? this.#now : this.#earlier, entry);
      this.#trim();
    });
  }

  /** Adds a page of what was said before everything that is shown. */
  prepend(messages: readonly HeardMessage[], isOwn: (message: HeardMessage) => boolean): void {
    const entries = messages.map((message, at) => messageEntry(message, isOwn(message), messages[at - 1]));
    this.#scroll.prepend(() => this.#earlier.prepend(...entries));
    const shown = [...this.#offsets];
    this.#offsets.clear();
    messages.forEach(({ offset }, at) => {
      const entry = entries[at];
      if (entry && offset !== undefined) this.#offsets.set(entry, offset);
    });
    for (const [entry, offset] of shown) this.#offsets.set(entry, offset);
  }

  /** Says what is missing. With another history, what is shown is no place to read back from. */
  addGap(gap: Gap): void {
    this.change(() => {
      if (gap.to === null) this.#offsets.clear();
      this.#last = undefined;
      this.#append(this.#now, gapEntry(gap));
    });
  }

  /** Says something about the log itself. */
  addNote(text: string): void {
    this.change(() => this.#append(this.#now, createElement("li", { class: "gap" }, text)));
  }

  /** Shows a message that is not sent yet. */
  addUnsent({ element }: UnsentEntry): void {
    this.#hasSpoken = true;
    this.change(() => this.#append(this.#unsent, element));
  }

  #show(): void {
    const changes = this.#changes;
    this.#changes = [];
    const isAtEnd = this.#scroll.keepEnd(() => changes.forEach((change) => change()));
    if (isAtEnd || this.#hasSpoken) this.#toEnd();
    this.#hasSpoken = false;
  }

  #append(list: HTMLElement, entry: HTMLElement): void {
    list.append(entry);
    this.#empty.hidden = true;
    this.#newest.hidden = false;
  }

  #toEnd(): void {
    this.#scroll.toEnd();
    this.#newest.hidden = true;
  }

  #trim(): void {
    while (this.#earlier.childElementCount + this.#now.childElementCount > MAX_ENTRIES) {
      const entry = this.#earlier.firstElementChild ?? this.#now.firstElementChild;
      if (!entry) return;
      this.#offsets.delete(entry);
      entry.remove();
    }
  }
}
