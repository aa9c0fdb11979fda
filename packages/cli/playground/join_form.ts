/// <reference lib="dom" />
import { createElement, pageElement } from "./dom.ts";
import type { DevIssuer } from "./dev_issuer.ts";
import { type PageAddress, TOKEN_FIELDS, type TokenChanges, tokenChanges } from "./page_address.ts";
import { DEFAULT_ENDPOINT, formatRoomPath, parseRoomPath } from "./room_path.ts";

/** Room to join, with a user whose token the dev server issues, or with a token. */
export interface JoinRequest extends TokenChanges {
  /** As in the page's address. */
  readonly room: string;
  readonly user: string | undefined;
  readonly token: string | undefined;
}

/** Value of the choice that asks for a name. */
const OTHER = "";

/** Form that asks for user and room. */
export class JoinForm {
  readonly #issuer: DevIssuer;
  readonly #endpoints: readonly string[];
  readonly #main = pageElement("join", HTMLElement);
  readonly #form = pageElement("join-form", HTMLFormElement);
  readonly #user = pageElement("user", HTMLInputElement);
  readonly #otherUser = pageElement("other-user", HTMLParagraphElement);
  readonly #token = pageElement("token", HTMLInputElement);
  readonly #endpoint = pageElement("endpoint", HTMLSelectElement);
  readonly #room = pageElement("room", HTMLInputElement);
  readonly #changes = new Map(TOKEN_FIELDS.map((name) => [name, pageElement(name, HTMLInputElement)]));

  /** `endpoints` are the room endpoints to choose from. */
  constructor(issuer: DevIssuer, endpoints: readonly string[], onJoin: (request: JoinRequest) => void) {
    this.#issuer = issuer;
    this.#endpoints = endpoints.length > 0 ? endpoints : [DEFAULT_ENDPOINT];
    const { issuesTokens, users } = issuer;
    const choices = pageElement("user-choice", HTMLFieldSetElement);
    choices.hidden = !issuesTokens;
    choices.disabled = !issuesTokens;
    const claims = pageElement("claims-choice", HTMLDetailsElement);
    claims.hidden = !issuesTokens;
    // A closed part cannot show what is wrong in it.
    claims.addEventListener("invalid", () => (claims.open = true), { capture: true });
    pageElement("token-choice", HTMLParagraphElement).hidden = issuesTokens;
    this.#token.required = !issuesTokens;
    pageElement("users", HTMLDivElement).replaceChildren(
      ...users.map((user) => choice(user, user)),
      choice(OTHER, "someone else"),
    );
    choices.addEventListener("change", () => this.#askForName());
    this.#form.addEventListener("input", () => this.#check());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      onJoin(this.#read());
    });
  }

  /** Shows the form with the known fields; `problem` says why the last attempt failed. */
  show({ user, room = "", ...changes }: Partial<PageAddress>, problem: string = ""): void {
    const { issuesTokens, users } = this.#issuer;
    const chosen = user === undefined ? users[0] : users.includes(user) ? user : OTHER;
    this.#form.querySelectorAll<HTMLInputElement>("input[type=radio]").forEach((radio) => {
      radio.checked = radio.value === chosen;
    });
    this.#user.value = chosen === OTHER && user ? user : "";
    for (const [name, input] of this.#changes) input.value = changes[name] ?? "";
    pageElement("claims-choice", HTMLDetailsElement).open = Object.keys(changes).length > 0;
    this.#showRoom(room);
    this.#askForName();
    this.#check();
    this.#main.hidden = false;
    pageElement("join-problem", HTMLParagraphElement).textContent = problem;
    const first = issuesTokens ? this.#form.querySelector<HTMLInputElement>("input:checked") : this.#token;
    first?.focus();
  }

  hide(): void {
    this.#main.hidden = true;
  }

  /** Shows a room's endpoint, even one that the list lacks, and its id. */
  #showRoom(room: string): void {
    const { endpoint, id } = parseRoomPath(room) ?? { endpoint: this.#endpoints[0], id: "lobby" };
    const names = [...new Set([...this.#endpoints, ...endpoint ? [endpoint] : []])];
    this.#endpoint.replaceChildren(...names.map((name) => createElement("option", {}, name)));
    this.#endpoint.value = endpoint ?? DEFAULT_ENDPOINT;
    pageElement("endpoint-choice", HTMLParagraphElement).hidden = names.length < 2;
    this.#room.value = id;
  }

  #askForName(): void {
    const isOther = this.#issuer.issuesTokens && this.#chosen() === OTHER;
    this.#otherUser.hidden = !isOther;
    this.#user.required = isOther;
  }

  /** Marks the fields that cannot be sent. */
  #check(): void {
    const isRoom = this.#room.value === "" || parseRoomPath(this.#room.value);
    this.#room.setCustomValidity(isRoom ? "" : "Use letters, digits and . _ ~ : - between the slashes.");
    for (const [name, input] of this.#changes) {
      const isWrong = name !== "role" && input.value.trim() !== "" && !isJsonObject(input.value);
      input.setCustomValidity(isWrong ? `This has to be a JSON object, such as ${input.placeholder}.` : "");
    }
  }

  #chosen(): string | undefined {
    return this.#form.querySelector<HTMLInputElement>("input[type=radio]:checked")?.value;
  }

  #read(): JoinRequest {
    const token = this.#token.value.trim();
    // Cleared: the next person at this machine must not send it again.
    this.#token.value = "";
    const id = this.#room.value;
    const room = id.includes("/") ? id : formatRoomPath({ endpoint: this.#endpoint.value, id });
    if (!this.#issuer.issuesTokens) return { room, user: undefined, token };
    const changes = tokenChanges((name) => this.#changes.get(name)?.value);
    return { room, user: this.#chosen() || this.#user.value.trim(), token: undefined, ...changes };
  }
}

function choice(value: string, text: string): HTMLLabelElement {
  return createElement("label", {}, createElement("input", { type: "radio", name: "user", value }), text);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
