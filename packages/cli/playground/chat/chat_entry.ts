/// <reference lib="dom" />
import type { Gap, RoomError } from "../../../client/mod.ts";
import { createElement, formatMinutes } from "../dom.ts";
import type { Content, ReceivedMessage } from "../playground_room.ts";
import { userName } from "../user_name.ts";

/** Messages of one user within this time share one name line. */
const GROUP_MS = 120_000;

/** Creates a message's entry. In a group with `previous`, only screen readers get the name. */
export function messageEntry(
  message: ReceivedMessage,
  isOwn: boolean,
  previous?: ReceivedMessage,
): HTMLLIElement {
  const { from, at, offset } = message;
  const isContinued = previous?.from.user === from.user && at - previous.at < GROUP_MS;
  const time = createElement("time", { datetime: new Date(at).toISOString() }, formatMinutes(at));
  const offsetText = offset === undefined ? "not stored" : `#${offset}`;
  return createElement(
    "li",
    { class: `message${isOwn ? " own" : ""}${isContinued ? " continued" : ""}` },
    createElement(
      "p",
      { class: isContinued ? "hidden" : "by" },
      createElement("b", {}, isOwn ? "You" : userName(from.user)),
      " ",
      time,
      " ",
      createElement("span", { class: "code" }, offsetText),
    ),
    createElement("p", { class: "text" }, messageText(message)),
  );
}

/** Creates the entry for missing messages. */
export function gapEntry({ from, to }: Gap): HTMLLIElement {
  const text = to === null
    ? `The room's history was lost and starts again. Messages from ${from} on may be missing.`
    : from === to
    ? `Message ${from} is no longer kept.`
    : `Messages ${from} to ${to} are no longer kept.`;
  return createElement("li", { class: "gap" }, text);
}

/** Entry of an own message that the room has not delivered yet. */
export class UnsentEntry {
  readonly element: HTMLLIElement;
  readonly id: string;
  readonly content: Content;
  readonly #note = createElement("p", { class: "note" }, "Waiting to be sent");

  constructor(id: string, content: Content) {
    this.id = id;
    this.content = content;
    this.element = createElement(
      "li",
      { class: "message own unsent" },
      createElement("p", { class: "hidden" }, createElement("b", {}, "You")),
      createElement("p", { class: "text" }, messageText(content)),
      this.#note,
    );
  }

  /** Shows that the message waits again. */
  wait(): void {
    this.element.classList.remove("failed");
    this.#note.removeAttribute("role");
    this.#note.replaceChildren("Waiting to be sent");
  }

  /** Shows that the message is stored, although the room has not delivered it. */
  showStored(offset: number): void {
    this.#note.replaceChildren(`Stored as #${offset}`);
  }

  /** Shows why publishing failed, and a retry button. */
  fail({ code, message }: RoomError, retry: () => void): void {
    this.element.classList.add("failed");
    const button = createElement("button", { type: "button", class: "small" }, "Try again");
    button.addEventListener("click", retry);
    this.#note.setAttribute("role", "alert");
    this.#note.replaceChildren("Not sent: ", createElement("code", {}, code), ` ${message} `, button);
  }
}

/** Text of a chat (`{ text }`, or a plain string as in the wscat lines); else event and JSON. */
function messageText({ event, data }: Content): string {
  if (event !== "chat") return `${event} ${JSON.stringify(data)}`;
  if (typeof data === "string") return data;
  if (typeof data === "object" && data !== null && "text" in data && typeof data.text === "string") {
    return data.text;
  }
  return JSON.stringify(data);
}
