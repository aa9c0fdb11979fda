import type { HeardMessage } from "./playground_room.ts";

/** What is shown of a message: the text of a chat (`{ text }`, or a plain string as in the wscat lines), else event and JSON. */
export function messageText({ event, data }: HeardMessage): string {
  if (event !== "chat") return `${event} ${JSON.stringify(data)}`;
  if (typeof data === "string") return data;
  if (typeof data === "object" && data !== null && "text" in data && typeof data.text === "string") {
    return data.text;
  }
  return JSON.stringify(data);
}
