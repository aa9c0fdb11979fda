/// <reference lib="dom" />
import type { RoomState } from "../../client/mod.ts";
import { pageElement } from "./page_element.ts";

/** The picture of the state machine: lights the state that the room is in, and the way that led there. */
export class StateDiagram {
  readonly #picture = pageElement("machine", SVGSVGElement);
  #current: RoomState["type"] | undefined;

  /** Shows a state. */
  show(type: RoomState["type"]): void {
    const edge = `${this.#current}-${type}`;
    if (this.#current !== type) this.#light("data-edge", edge);
    this.#light("data-state", type);
    this.#current = type;
  }

  #light(attribute: string, name: string): void {
    this.#picture.querySelectorAll(`[${attribute}]`).forEach((part) => {
      part.classList.toggle("lit", part.getAttribute(attribute) === name);
    });
  }
}
