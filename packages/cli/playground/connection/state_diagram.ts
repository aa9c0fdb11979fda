/// <reference lib="dom" />
import type { RoomState } from "../../../client/mod.ts";
import { pageElement } from "../dom.ts";

/** Diagram of the room's states: highlights the current state and the transition that led to it. */
export class StateDiagram {
  readonly #diagram = pageElement("machine", SVGSVGElement);
  #current: RoomState["type"] | undefined;

  show(type: RoomState["type"]): void {
    const edge = `${this.#current}-${type}`;
    if (this.#current !== type) this.#highlight("data-edge", edge);
    this.#highlight("data-state", type);
    this.#current = type;
  }

  #highlight(attribute: string, name: string): void {
    this.#diagram.querySelectorAll(`[${attribute}]`).forEach((part) => {
      part.classList.toggle("lit", part.getAttribute(attribute) === name);
    });
  }
}
