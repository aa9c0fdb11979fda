/// <reference lib="dom" />
import { createElement, pageElement } from "./dom.ts";
import type { DevIssuer } from "./dev_issuer.ts";
import type { PageAddress } from "./page_address.ts";

/** Room to join, with a user whose token the dev server issues, or with a token. */
export interface JoinRequest {
  readonly room: string;
  readonly user: string | undefined;
  readonly token: string | undefined;
}

/** Value of the choice that asks for a name. */
const OTHER = "";

/** Form that asks for user and room. */
export class JoinForm {
  readonly #issuer: DevIssuer;
  readonly #main = pageElement("join", HTMLElement);
  readonly #form = pageElement("join-form", HTMLFormElement);
  readonly #user = pageElement("user", HTMLInputElement);
  readonly #otherUser = pageElement("other-user", HTMLParagraphElement);
  readonly #token = pageElement("token", HTMLInputElement);
  readonly #room = pageElement("room", HTMLInputElement);

  constructor(issuer: DevIssuer, onJoin: (request: JoinRequest) => void) {
    this.#issuer = issuer;
    const { issuesTokens, users } = issuer;
    const choices = pageElement("user-choice", HTMLFieldSetElement);
    choices.hidden = !issuesTokens;
    choices.disabled = !issuesTokens;
    pageElement("token-choice", HTMLParagraphElement).hidden = issuesTokens;
    this.#token.required = !issuesTokens;
    pageElement("users", HTMLDivElement).replaceChildren(
      ...users.map((user) => choice(user, user)),
      choice(OTHER, "someone else"),
    );
    choices.addEventListener("change", () => this.#askForName());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      onJoin(this.#read());
    });
  }

  /** Shows the form with the known fields; `problem` says why the last attempt failed. */
  show({ user, room = "lobby" }: Partial<PageAddress>, problem: string = ""): void {
    const { issuesTokens, users } = this.#issuer;
    const chosen = user === undefined ? users[0] : users.includes(user) ? user : OTHER;
    this.#form.querySelectorAll<HTMLInputElement>("input[type=radio]").forEach((radio) => {
      radio.checked = radio.value === chosen;
    });
    this.#user.value = chosen === OTHER && user ? user : "";
    this.#room.value = room;
    this.#askForName();
    this.#main.hidden = false;
    pageElement("join-problem", HTMLParagraphElement).textContent = problem;
    const first = issuesTokens ? this.#form.querySelector<HTMLInputElement>("input:checked") : this.#token;
    first?.focus();
  }

  hide(): void {
    this.#main.hidden = true;
  }

  #askForName(): void {
    const isOther = this.#issuer.issuesTokens && this.#chosen() === OTHER;
    this.#otherUser.hidden = !isOther;
    this.#user.required = isOther;
  }

  #chosen(): string | undefined {
    return this.#form.querySelector<HTMLInputElement>("input[type=radio]:checked")?.value;
  }

  #read(): JoinRequest {
    const token = this.#token.value.trim();
    // Cleared: the next person at this machine must not send it again.
    this.#token.value = "";
    const room = this.#room.value;
    if (!this.#issuer.issuesTokens) return { room, user: undefined, token };
    return { room, user: this.#chosen() || this.#user.value.trim(), token: undefined };
  }
}

function choice(value: string, text: string): HTMLLabelElement {
  return createElement("label", {}, createElement("input", { type: "radio", name: "user", value }), text);
}
