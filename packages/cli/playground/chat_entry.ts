/// <reference lib="dom" />
import type { Gap, RoomError } from "../../client/mod.ts";
import { createElement } from "./create_element.ts";
import { messageText } from "./message_text.ts";
import type { HeardMessage } from "./playground_room.ts";
import { minuteText } from "./time_text.ts";

/** Messages of one person within this time stand under one name. */
const GROUP_MS = 120_000;

/** The entry of a message. Under the same name as `previous`, who said it is only told to screen readers. */
export function messageEntry(
  message: HeardMessage,
  isOwn: boolean,
  previous?: HeardMessage,
): HTMLLIElement {
  const { from, at, offset } = message;
  const goesOn = previous?.from.user === from.user && at - previous.at < GROUP_MS;
  const time = createElement("time", { datetime: new Date(at).toISOString() }, minuteText(at));
  const place = offset === undefined ? "not stored" : `#${offset}`;
  return createElement(
    "li",
    { class: `message${isOwn ? " own" : ""}${goesOn ? " goes-on" : ""}` },
    createElement(
      "p",
      { class: goesOn ? "hidden" : "by" },
      createElement("b", {}, isOwn ? "You" : from.user),
      " ",
      time,
      " ",
      createElement("span", { class: "code" }, place),
    ),
    createElement("p", { class: "text" }, messageText(message)),
  );
}

/** The entry of what is missing. */
export function gapEntry({ from, to }: Gap): HTMLLIElement {
  const text = to === null
    ? `The room's history begins anew: what was said from message ${from} on is unknown.`
    : from === to
    ? `Message ${from} is no longer kept.`
    : `Messages ${from} to ${to} are no longer kept.`;
  return createElement("li", { class: "gap" }, text);
}

/** A message of one's own that the room does not have yet. */
export class UnsentEntry {
  readonly element: HTMLLIElement;
  readonly #note = createElement("p", { class: "note" }, "Waiting to be sent");

  constructor(readonly id: string, readonly text: string) {
    this.element = createElement(
      "li",
      { class: "message own unsent" },
      createElement("p", { class: "hidden" }, createElement("b", {}, "You")),
      createElement("p", { class: "text" }, text),
      this.#note,
    );
  }

  /** Says that it is on its way, again. */
  wait(): void {
    this.element.classList.remove("failed");
    this.#note.removeAttribute("role");
    this.#note.replaceChildren("Waiting to be sent");
  }

  /** Says that it is stored, although the room has not brought it. */
  settle(offset: number): void {
    this.#note.replaceChildren(`Stored as #${offset}`);
  }

  /** Says why it was not sent, and offers to try again. */
  fail({ code, message }: RoomError, retry: () => void): void {
    this.element.classList.add("failed");
    const button = createElement("button", { type: "button", class: "small" }, "Try again");
    button.addEventListener("click", retry);
    this.#note.setAttribute("role", "alert");
    this.#note.replaceChildren("Not sent: ", createElement("code", {}, code), ` ${message} `, button);
  }
}
