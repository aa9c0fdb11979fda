import type { Clock } from "./clock.ts";
import { RoomError } from "./errors.ts";
import type { OutboxStorage, StoredMessage } from "./outbox_storage.ts";
import type { Requests } from "./requests.ts";
import type { Undelivered } from "./room.ts";

/** What the outbox needs of the room. */
export interface OutboxParts {
  readonly requests: Requests;
  readonly clock: Clock;
  /** The room's address: what is kept is kept under it. */
  readonly room: string;
  readonly limit: number;
  readonly storage: OutboxStorage | undefined;
  readonly onError: (error: RoomError) => void;
  readonly onUndelivered: (undelivered: Undelivered) => void;
}

/** `sentAt` is known of what an earlier page load has left. */
type Unsent = Omit<StoredMessage, "sentAt"> & Partial<StoredMessage>;

/** Messages that wait for their ack: bounded, each under one id until it is acked, kept over a reload if there is a storage. */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #waiting = new Map<string, Promise<number>>();
  /** Storage is called one call after the other. */
  #stored: Promise<void> = Promise.resolve();

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  /** Messages without an ack. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The user whose messages are kept, if they are. */
  get owner(): string | undefined {
    return this.#parts.storage?.owner;
  }

  /** Sends what an earlier page load has left. Never throws: what fails is told. */
  async restore(): Promise<void> {
    await this.#store(async (storage, room) => {
      for (const message of await storage.load(room)) this.#restoreOne(message);
    });
  }

  /** Publishes; the same id while it waits is the same message. @throws {RoomError} see Room.publish */
  async publish(id: string, event: string, data: unknown): Promise<number> {
    const { limit, requests } = this.#parts;
    if (requests.closedBy) throw requests.closedBy;
    const known = this.#waiting.get(id);
    if (known) return await known;
    if (this.#waiting.size >= limit) {
      throw new RoomError("outbox_full", `${limit} messages wait for their ack already.`);
    }
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("data cannot be JSON.");
    return this.#send({ id, event, data: text }, this.#keep({ id, event, data: text, sentAt: null }));
  }

  /** Resolves when the storage has taken everything in. */
  settled(): Promise<void> {
    return this.#stored;
  }

  #restoreOne(message: StoredMessage): void {
    const { id, event } = message;
    if (this.#waiting.has(id)) return;
    this.#send(message, undefined).catch((error: RoomError) => {
      const data: unknown = JSON.parse(message.data);
      if (!this.#parts.requests.closedBy) this.#parts.onUndelivered({ id, event, data, error });
    });
  }

  /** With a storage a message is sent when it is kept, and so behind what an earlier page load has left. */
  #send(message: Unsent, kept: Promise<void> | undefined): Promise<number> {
    const { id, event, data: text } = message;
    // As it is now: what the application changes later is not meant.
    const frame = { type: "publish", id, event, data: JSON.parse(text) } as const;
    const ask = () =>
      this.#parts.requests.ask(frame, {
        ...message,
        again: true,
        onFirstSent: (now) => void this.#keep({ id, event, data: text, sentAt: now }),
      });
    const sending = kept ? kept.then(ask) : ask();
    const settled = sending.then((answer) => {
      this.#settle(id);
      return answer.offset ?? 0;
    }, (error: unknown) => {
      // What a room that was closed has left goes on when it is opened again.
      this.#settle(id, this.#parts.requests.closedBy !== null);
      throw error;
    });
    this.#waiting.set(id, settled);
    return settled;
  }

  #settle(id: string, isKept = false): void {
    this.#waiting.delete(id);
    if (!isKept) void this.#store((storage, room) => storage.remove(room, id));
  }

  #keep(message: StoredMessage): Promise<void> | undefined {
    return this.#store((storage, room) => storage.put(room, message));
  }

  /** Does something with the storage after everything before it, if there is one. Never rejects: what fails is told. */
  #store(act: (storage: OutboxStorage, room: string) => Promise<void>): Promise<void> | undefined {
    const { storage, room, onError } = this.#parts;
    if (!storage) return undefined;
    return this.#stored = this.#stored.then(() => act(storage, room)).catch((cause: unknown) => {
      onError(new RoomError("storage_failed", "The outbox cannot be kept.", { cause }));
    });
  }
}
