/// <reference lib="dom" />

/** Distance from the end, in pixels, that still counts as the end. */
const END_DISTANCE = 48;

/** Keeps the newest entry of a list visible, unless the reader has scrolled back. */
export class StickyScroll {
  readonly #box: HTMLElement;

  constructor(box: HTMLElement) {
    this.#box = box;
  }

  /** True if the newest entry is visible. */
  get isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight < END_DISTANCE;
  }

  /** Changes the list. Returns true if its end was visible, and so still is. */
  keepEnd(update: () => void): boolean {
    const { isAtEnd } = this;
    update();
    if (isAtEnd) this.scrollToEnd();
    return isAtEnd;
  }

  /** Adds entries at the beginning; the visible ones stay in place. */
  prepend(add: () => void): void {
    const before = this.#box.scrollHeight;
    add();
    this.#box.scrollTop += this.#box.scrollHeight - before;
  }

  /** Scrolls to the newest entry. */
  scrollToEnd(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
  }
}
