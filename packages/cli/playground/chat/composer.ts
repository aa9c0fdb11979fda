/// <reference lib="dom" />
import { pageElement } from "../dom.ts";
import type { Content, RoomContext } from "../playground_room.ts";
import { announceTyping } from "./typing.ts";

/** Event whose data is a text; that of any other is written as JSON. */
const CHAT = "chat";

/** Shows the fields of event and message, and announces typing to the other members. */
export function showComposer({ room, signal }: RoomContext, send: (content: Content) => void): void {
  const form = pageElement("composer", HTMLFormElement);
  const event = pageElement("event", HTMLInputElement);
  const input = pageElement("text", HTMLInputElement);
  const typing = announceTyping({ room, signal });
  event.value = CHAT;
  input.value = "";

  function showKind(): void {
    input.setCustomValidity("");
    input.placeholder = event.value.trim() === CHAT ? "Write a message" : "Data as JSON";
  }
  showKind();
  event.addEventListener("input", showKind, { signal });
  input.addEventListener("input", () => {
    input.setCustomValidity("");
    if (input.value.trim()) typing.start();
    else typing.stop();
  }, { signal });
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    const content = contentOf(event.value.trim(), text);
    if (!content) {
      input.setCustomValidity('The data of this event has to be JSON, such as {"x":1} or "text".');
      input.reportValidity();
      return;
    }
    input.value = "";
    typing.stop();
    send(content);
  }, { signal });
  input.focus();
}

function contentOf(event: string, text: string): Content | undefined {
  if (event === CHAT) return { event, data: { text } };
  try {
    return { event, data: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
