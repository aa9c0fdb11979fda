/// <reference lib="dom" />
import { createElement } from "./create_element.ts";
import type { DevIssuer } from "./dev_issuer.ts";
import type { Place } from "./page_address.ts";
import { pageElement } from "./page_element.ts";

/** Who wants to come in. Either a user, whose token the dev server has, or a token. */
export interface Joining {
  readonly room: string;
  readonly user: string | undefined;
  readonly token: string | undefined;
}

/** The value of the choice that asks for a name. */
const OTHER = "";

/** The form that asks who, and which room. */
export class JoinForm {
  readonly #issuer: DevIssuer;
  readonly #main = pageElement("join", HTMLElement);
  readonly #form = pageElement("join-form", HTMLFormElement);
  readonly #user = pageElement("user", HTMLInputElement);
  readonly #otherUser = pageElement("other-user", HTMLParagraphElement);
  readonly #token = pageElement("token", HTMLInputElement);
  readonly #room = pageElement("room", HTMLInputElement);

  constructor(issuer: DevIssuer, onJoin: (joining: Joining) => void) {
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
      onJoin(this.#take());
    });
  }

  /** Shows the form, filled in as far as it is known; `problem` says why one is here again. */
  show({ user, room = "lobby" }: Partial<Place>, problem: string = ""): void {
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

  /** Takes the form away. */
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

  #take(): Joining {
    const token = this.#token.value.trim();
    // It does not stay where somebody else at this machine could send it again.
    this.#token.value = "";
    const room = this.#room.value;
    if (!this.#issuer.issuesTokens) return { room, user: undefined, token };
    return { room, user: this.#chosen() || this.#user.value.trim(), token: undefined };
  }
}

function choice(value: string, text: string): HTMLLabelElement {
  return createElement("label", {}, createElement("input", { type: "radio", name: "user", value }), text);
}
