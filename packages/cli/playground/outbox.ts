/// <reference lib="dom" />
import { RoomError } from "../../client/mod.ts";
import { UnsentEntry } from "./chat_entry.ts";
import type { ChatLog } from "./chat_log.ts";
import { pageElement } from "./page_element.ts";
import type { PlaygroundRoom } from "./playground_room.ts";

/** What one says: shown at once, marked until the room has it, and kept with the reason when it cannot be sent. */
export class Outbox {
  readonly #room: PlaygroundRoom;
  readonly #log: ChatLog;
  readonly #unsent = new Map<string, UnsentEntry>();

  constructor(room: PlaygroundRoom, log: ChatLog) {
    this.#room = room;
    this.#log = log;
  }

  /** Says something. */
  send(text: string): void {
    const entry = new UnsentEntry(randomId(), text);
    this.#unsent.set(entry.id, entry);
    this.#log.addUnsent(entry);
    void this.#publish(entry);
  }

  /** The room has brought this message. */
  arrived(id: string): void {
    const entry = this.#unsent.get(id);
    if (!entry) return;
    this.#unsent.delete(id);
    this.#log.change(() => entry.element.remove());
  }

  /** The same id every time: a retry of what was stored after all is recognized by the server. */
  async #publish(entry: UnsentEntry): Promise<void> {
    try {
      const offset = await this.#room.publish("chat", { text: entry.text }, { id: entry.id });
      this.#log.change(() => entry.settle(offset));
    } catch (error) {
      if (!(error instanceof RoomError)) throw error;
      const retry = () => {
        // The button that was pressed goes away.
        pageElement("text", HTMLInputElement).focus();
        entry.wait();
        void this.#publish(entry);
      };
      this.#log.change(() => entry.fail(error, retry));
    }
  }
}

/** Not crypto.randomUUID: a page that is not on localhost or https has none. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
