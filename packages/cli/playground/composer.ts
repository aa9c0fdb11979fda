/// <reference lib="dom" />
import { pageElement } from "./page_element.ts";
import type { Visited } from "./playground_room.ts";
import { announceTyping } from "./typing.ts";

/** Lets one say something; who is there sees that one is typing. */
export function showComposer({ room, signal }: Visited, send: (text: string) => void): void {
  const form = pageElement("composer", HTMLFormElement);
  const input = pageElement("text", HTMLInputElement);
  const typing = announceTyping({ room, signal });
  input.value = "";
  input.addEventListener("input", () => (input.value.trim() ? typing.goesOn() : typing.stops()), { signal });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    input.value = "";
    typing.stops();
    send(text);
  }, { signal });
  input.focus();
}
