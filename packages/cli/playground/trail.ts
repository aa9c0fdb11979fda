/// <reference lib="dom" />
import { createElement } from "./create_element.ts";
import { pageElement } from "./page_element.ts";
import { millisecondText } from "./time_text.ts";

/** Lines that are kept. */
const MAX_LINES = 100;

/** What happened to the connection, newest first. */
export class Trail {
  readonly #list = pageElement("trail", HTMLOListElement);

  constructor() {
    this.#list.replaceChildren();
  }

  /** Adds a line, said now. */
  add(text: string): void {
    const now = Date.now();
    this.#list.prepend(
      createElement("li", {}, createElement("time", { class: "code" }, millisecondText(now)), " ", text),
    );
    if (this.#list.childElementCount > MAX_LINES) this.#list.lastElementChild?.remove();
  }
}
