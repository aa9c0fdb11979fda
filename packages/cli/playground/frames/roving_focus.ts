/// <reference lib="dom" />

/** Makes a list one tab stop; the arrow keys, Home and End move between its items. */
export class RovingFocus {
  readonly #list: HTMLElement;
  readonly #selector: string;
  #tabStop: HTMLElement | undefined;

  constructor(list: HTMLElement, selector: string, signal: AbortSignal) {
    this.#list = list;
    this.#selector = selector;
    list.addEventListener("keydown", (event) => this.#move(event), { signal });
    list.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLElement && target.matches(selector)) this.#setTabStop(target);
    }, { signal });
  }

  /** Makes the last item the tab stop, unless the focus is in the list already. */
  setTabStopToLast(): void {
    if (this.#list.contains(document.activeElement)) return;
    const last = this.#items().at(-1);
    if (last) this.#setTabStop(last);
  }

  #items(): HTMLElement[] {
    const items = Array.from(this.#list.querySelectorAll<HTMLElement>(this.#selector));
    return items.filter((item) => item.checkVisibility());
  }

  #setTabStop(item: HTMLElement): void {
    this.#tabStop?.setAttribute("tabindex", "-1");
    item.setAttribute("tabindex", "0");
    this.#tabStop = item;
  }

  #move(event: KeyboardEvent): void {
    if (!(event.target instanceof HTMLElement) || !event.target.matches(this.#selector)) return;
    const items = this.#items();
    const at = items.indexOf(event.target);
    const next = new Map([["ArrowDown", at + 1], ["ArrowUp", at - 1], ["Home", 0], ["End", items.length - 1]])
      .get(event.key);
    const item = next === undefined ? undefined : items[next];
    if (!item) return;
    event.preventDefault();
    item.focus();
  }
}
