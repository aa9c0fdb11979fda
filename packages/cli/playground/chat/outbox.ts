/// <reference lib="dom" />
import { RoomError } from "../../../client/mod.ts";
import { pageElement } from "../dom.ts";
import { UnsentEntry } from "./chat_entry.ts";
import type { ChatLog } from "./chat_log.ts";
import type { Content, PlaygroundRoom } from "../playground_room.ts";

/**
 * Publishes own messages: shows each at once, marks it until it is delivered, and shows failures.
 */
export class Outbox {
  readonly #room: PlaygroundRoom;
  readonly #log: ChatLog;
  readonly #unsent = new Map<string, UnsentEntry>();

  constructor(room: PlaygroundRoom, log: ChatLog) {
    this.#room = room;
    this.#log = log;
  }

  send(content: Content): void {
    const entry = new UnsentEntry(randomId(), content);
    this.#unsent.set(entry.id, entry);
    this.#log.addUnsent(entry);
    void this.#publish(entry);
  }

  /** Removes the unsent entry of a message that the room has delivered. */
  confirm(id: string): void {
    const entry = this.#unsent.get(id);
    if (!entry) return;
    this.#unsent.delete(id);
    this.#log.change(() => entry.element.remove());
  }

  /** Publishes with the same id each time: the server recognizes a retry of a stored message. */
  async #publish(entry: UnsentEntry): Promise<void> {
    try {
      const { id, content: { event, data } } = entry;
      const offset = await this.#room.publish(event, data, { id });
      this.#log.change(() => entry.showStored(offset));
    } catch (error) {
      if (!(error instanceof RoomError)) throw error;
      const retry = () => {
        // The clicked button disappears, so the focus moves.
        pageElement("text", HTMLInputElement).focus();
        entry.wait();
        void this.#publish(entry);
      };
      this.#log.change(() => entry.fail(error, retry));
    }
  }
}

/** Random id. A page that is neither on localhost nor https has no crypto.randomUUID. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
