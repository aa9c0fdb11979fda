/// <reference lib="dom" />
import { createElement, formatMilliseconds, pageElement } from "../dom.ts";

/** Limit of lines; the oldest are removed. */
const MAX_LINES = 100;

/** Events of the connection, newest first. */
export class ConnectionLog {
  readonly #list = pageElement("connection-log", HTMLOListElement);

  constructor() {
    this.#list.replaceChildren();
  }

  /** Adds a line with the current time. */
  add(text: string): void {
    const now = Date.now();
    this.#list.prepend(
      createElement("li", {}, createElement("time", { class: "code" }, formatMilliseconds(now)), " ", text),
    );
    if (this.#list.childElementCount > MAX_LINES) this.#list.lastElementChild?.remove();
  }
}
