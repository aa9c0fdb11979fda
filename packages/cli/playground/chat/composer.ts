/// <reference lib="dom" />
import { pageElement } from "../dom.ts";
import type { RoomContext } from "../playground_room.ts";
import { announceTyping } from "./typing.ts";

/** Shows the message field, and announces typing to the other members. */
export function showComposer({ room, signal }: RoomContext, send: (text: string) => void): void {
  const form = pageElement("composer", HTMLFormElement);
  const input = pageElement("text", HTMLInputElement);
  const typing = announceTyping({ room, signal });
  input.value = "";
  input.addEventListener("input", () => (input.value.trim() ? typing.start() : typing.stop()), { signal });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    input.value = "";
    typing.stop();
    send(text);
  }, { signal });
  input.focus();
}
