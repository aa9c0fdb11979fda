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

/** Messages that are stored nowhere else if the room goes on without them: kept when the application or the tab ends before the ack. */
const KEPT_ON = new Set(["closed", "aborted", "user_changed", "signed_out"]);

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
    const { storage, room, onError } = this.#parts;
    if (!storage) return;
    try {
      for (const message of await storage.load(room)) this.#restoreOne(message);
    } catch (cause) {
      onError(new RoomError("storage_failed", "The kept messages could not be read.", { cause }));
    }
  }

  /** Publishes; the same id while it waits is the same message. @throws {RoomError} see Room.publish */
  publish(id: string, event: string, data: unknown): Promise<number> {
    const known = this.#waiting.get(id);
    if (known) return known;
    const { limit } = this.#parts;
    if (this.#waiting.size >= limit) {
      const text = `${limit} messages wait for their ack already.`;
      return Promise.reject(new RoomError("outbox_full", text));
    }
    const text = JSON.stringify(data);
    if (text === undefined) return Promise.reject(new TypeError("data cannot be JSON."));
    this.#keep({ id, event, data: text, sentAt: null });
    return this.#send({ id, event, data: text, sentAt: null }, data);
  }

  /** Resolves when the storage has taken everything in. */
  async settled(): Promise<void> {
    await this.#stored;
  }

  #restoreOne(message: StoredMessage): void {
    const { id, event } = message;
    if (this.#waiting.has(id)) return;
    const data: unknown = JSON.parse(message.data);
    this.#send(message, data).catch((error: unknown) => {
      if (error instanceof RoomError && !KEPT_ON.has(error.code)) {
        this.#parts.onUndelivered({ id, event, data, error });
      }
    });
  }

  #send({ id, event, data: text, sentAt }: StoredMessage, data: unknown): Promise<number> {
    const sending = this.#parts.requests.ask({ type: "publish", id, event, data }, {
      again: true,
      sentAt,
      onFirstSent: (now) => this.#keep({ id, event, data: text, sentAt: now }),
    });
    const settled = sending.then((answer) => {
      this.#settle(id);
      return answer.type === "ack" ? answer.offset ?? 0 : 0;
    }, (error: unknown) => {
      this.#settle(id, error instanceof RoomError && KEPT_ON.has(error.code));
      throw error;
    });
    this.#waiting.set(id, settled);
    return settled;
  }

  #settle(id: string, isKept = false): void {
    this.#waiting.delete(id);
    if (!isKept) this.#store((storage, room) => storage.remove(room, id));
  }

  #keep(message: StoredMessage): void {
    this.#store((storage, room) => storage.put(room, message));
  }

  #store(change: (storage: OutboxStorage, room: string) => Promise<void>): void {
    const { storage, room, onError } = this.#parts;
    if (!storage) return;
    this.#stored = this.#stored.then(() => change(storage, room)).catch((cause: unknown) => {
      onError(new RoomError("storage_failed", "A message could not be kept over a reload.", { cause }));
    });
  }
}
