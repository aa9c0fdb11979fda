/// <reference lib="dom" />

/** Nearer to the end than this, in pixels, counts as being there. */
const NEAR = 48;

/** A list that keeps its newest entry in sight, unless its reader has scrolled back. */
export class StickyScroll {
  readonly #box: HTMLElement;

  constructor(box: HTMLElement) {
    this.#box = box;
  }

  /** Whether the newest entry is in sight. */
  get isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  /** Changes the list. Returns whether its end was in sight, and so still is. */
  keepEnd(update: () => void): boolean {
    const { isAtEnd } = this;
    update();
    if (isAtEnd) this.toEnd();
    return isAtEnd;
  }

  /** Adds at the beginning; what is in sight stays where it is. */
  prepend(add: () => void): void {
    const before = this.#box.scrollHeight;
    add();
    this.#box.scrollTop += this.#box.scrollHeight - before;
  }

  /** Shows the newest entry. */
  toEnd(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
  }
}
