import type { OutboxStorage, StoredMessage } from "../../packages/client/outbox_storage.ts";

/** Outboxes that the page loads of one test share. */
export class MemoryOutboxes {
  readonly #kept = new Map<string, Map<string, StoredMessage>>();

  /** An owner's outbox; every one of the same owner holds the same messages. */
  open(owner: string): OutboxStorage {
    const messagesOf = (room: string) => {
      const key = JSON.stringify([owner, room]);
      const messages = this.#kept.get(key) ?? new Map<string, StoredMessage>();
      this.#kept.set(key, messages);
      return messages;
    };
    return {
      owner,
      load: (room) => Promise.resolve([...messagesOf(room).values()]),
      put(room, messages) {
        // A Map's entry keeps its place when it is replaced.
        for (const message of messages) messagesOf(room).set(message.id, { ...message });
        return Promise.resolve();
      },
      remove(room, id) {
        messagesOf(room).delete(id);
        return Promise.resolve();
      },
    };
  }
}
