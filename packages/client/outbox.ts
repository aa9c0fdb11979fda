import { RoomError } from "./errors.ts";
import type { OutboxStorage, StoredMessage } from "./outbox_storage.ts";
import type { Requests } from "./requests.ts";
import type { Undelivered } from "./room.ts";

/** Dependencies of the outbox. */
export interface OutboxDeps {
  readonly requests: Requests;
  /** Address of the room, the key of its stored messages. */
  readonly room: string;
  readonly limit: number;
  readonly storage: OutboxStorage | undefined;
  readonly onError: (error: RoomError) => void;
  readonly onUndelivered: (undelivered: Undelivered) => void;
}

/** `sentAt` is known for messages of an earlier page load. */
type Unsent = Omit<StoredMessage, "sentAt"> & Partial<StoredMessage>;

/**
 * Bounded list of messages that wait for their ack, each under one id, stored if there is a
 * storage.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #waiting = new Map<string, Promise<number>>();
  /** Messages for the next `put`, so that a burst before a reload is one transaction. */
  readonly #unstored = new Map<string, StoredMessage>();
  /** The call that stores them; undefined once it has begun. */
  #putting: Promise<void> | undefined;
  /** Last storage call; the next one waits for it. */
  #stored: Promise<void> = Promise.resolve();

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /** Number of messages without an ack. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Owner of the stored messages, if there is a storage. */
  get owner(): string | undefined {
    return this.#deps.storage?.owner;
  }

  /** Sends the stored messages of an earlier page load. Never throws: failures go to `onError`. */
  async restore(): Promise<void> {
    await this.#store(async (storage, room) => {
      for (const message of await storage.load(room)) this.#restoreOne(message);
    });
  }

  /** Publishes a message. A waiting id is the same message. @throws {RoomError} see Room.publish */
  async publish(id: string, event: string, data: unknown, exclude?: "self"): Promise<number> {
    const { limit, requests } = this.#deps;
    if (requests.closedBy) throw requests.closedBy;
    const known = this.#waiting.get(id);
    if (known) return await known;
    if (this.#waiting.size >= limit) {
      throw new RoomError("outbox_full", `More than ${limit} messages wait: publish later.`);
    }
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("data cannot be JSON.");
    const message = { id, event, data: text, exclude };
    return this.#send(message, this.#put({ ...message, sentAt: null }));
  }

  /** Resolves once all storage calls have ended. */
  settled(): Promise<void> {
    return this.#stored;
  }

  #restoreOne(message: StoredMessage): void {
    const { id, event } = message;
    if (this.#waiting.has(id)) return;
    this.#send(message, undefined).catch((error: RoomError) => {
      const data: unknown = JSON.parse(message.data);
      if (!this.#deps.requests.closedBy) this.#deps.onUndelivered({ id, event, data, error });
    });
  }

  /** Sends a message once it is stored, and therefore behind those of an earlier page load. */
  #send(message: Unsent, stored: Promise<void> | undefined): Promise<number> {
    const { id, event, data: text, exclude } = message;
    // A copy, so that later changes by the application have no effect.
    const frame = { type: "publish", id, event, data: JSON.parse(text), exclude } as const;
    const ask = () =>
      this.#deps.requests.ask(frame, {
        ...message,
        again: true,
        onFirstSent: (sentAt) => void this.#put({ id, event, data: text, exclude, sentAt }),
      });
    const sending = stored ? stored.then(ask) : ask();
    const settled = sending.then((answer) => {
      this.#settle(id);
      return answer.offset ?? 0;
    }, (error: unknown) => {
      // Messages of a closed room stay stored until it is opened again.
      this.#settle(id, this.#deps.requests.closedBy !== null);
      throw error;
    });
    this.#waiting.set(id, settled);
    return settled;
  }

  #settle(id: string, isRetained = false): void {
    this.#waiting.delete(id);
    if (isRetained) return;
    // The application may have published the same id again meanwhile.
    void this.#store(async (storage, room) => {
      if (!this.#waiting.has(id)) await storage.remove(room, id);
    });
  }

  /** Stores a message with those that are still to be stored. */
  #put(message: StoredMessage): Promise<void> | undefined {
    if (!this.#deps.storage) return undefined;
    this.#unstored.set(message.id, message);
    return this.#putting ??= this.#store(async (storage, room) => {
      this.#putting = undefined;
      const messages = [...this.#unstored.values()];
      this.#unstored.clear();
      await storage.put(room, messages);
    });
  }

  /** Queues a storage call, if there is a storage. Never rejects: failures go to `onError`. */
  #store(act: (storage: OutboxStorage, room: string) => Promise<void>): Promise<void> | undefined {
    const { storage, room, onError } = this.#deps;
    if (!storage) return undefined;
    return this.#stored = this.#stored.then(() => act(storage, room)).catch((cause: unknown) => {
      onError(new RoomError("storage_failed", "The storage failed.", { cause }));
    });
  }
}
