/** A page that publishes, and is reloaded before everything is acked. */
import { createIndexedDbOutbox } from "../../../packages/client/indexed_db.ts";
import { connect, type Room, RoomError, type WebSocketLike } from "../../../packages/client/mod.ts";
import { offer } from "./offer.ts";

interface Events {
  chat: string;
}

const { askForToken } = globalThis as unknown as { askForToken(user: string): Promise<string> };

/** A network that is away: for one page, where a proxy is that of all. */
class NoNetwork implements WebSocketLike {
  send(): void {}
  close(): void {}
  addEventListener(
    type: string,
    listener: (event: { code: number; reason: string; data: unknown }) => void,
  ): void {
    if (type === "close") queueMicrotask(() => listener({ code: 1006, reason: "", data: undefined }));
  }
}

let room: Room<Events> | undefined;
/** Outcome of each publish, in order: `text at offset`, or `text: code`. */
const outcomes: string[] = [];
const errors: string[] = [];

const controls = {
  /** Connects to a room as a user, with an outbox of an owner. */
  open(url: string, owner: string, { user = owner, isOffline = false, publish = [] as string[] } = {}): void {
    room = connect<Events>(url, {
      token: () => askForToken(user),
      outbox: { storage: createIndexedDbOutbox(owner) },
      retry: { minMs: 10, maxMs: 50 },
      ...(isOffline ? { WebSocket: NoNetwork } : {}),
    });
    room.on("error", ({ code }) => errors.push(code));
    room.on("undelivered", ({ data, error }) => errors.push(`${data} undelivered: ${error.code}`));
    for (const text of publish) controls.publish(text);
  },
  publish(text: string): void {
    void room?.publish("chat", text).then(
      (offset) => outcomes.push(`${text} at ${offset}`),
      (error) => outcomes.push(`${text}: ${error instanceof RoomError ? error.code : error}`),
    );
  },
  /** Publishes in one task, and counts the transactions that store it. */
  async countTransactions(texts: string[]): Promise<number> {
    let count = 0;
    const { IDBDatabase } = globalThis as unknown as {
      IDBDatabase: { prototype: { transaction: (...values: unknown[]) => unknown } };
    };
    const { prototype } = IDBDatabase;
    const { transaction } = prototype;
    prototype.transaction = function (...values) {
      count++;
      return transaction.apply(this, values);
    };
    for (const text of texts) controls.publish(text);
    // The storage is done by then: with a transaction each it would take more than this one.
    await createIndexedDbOutbox("nobody").load("nowhere");
    prototype.transaction = transaction;
    // One was this function's own.
    return count - 1;
  },
  /** Publishes, and reloads the page in the same task. */
  publishAndReload(texts: string[]): void {
    for (const text of texts) controls.publish(text);
    (globalThis as unknown as { location: { reload(): void } }).location.reload();
  },
  close: () => room?.close(),
  state: () => room?.state.type === "closed" ? `closed: ${room.state.reason.code}` : room?.state.type,
  pending: () => room?.pending,
  outcomes: () => outcomes,
  errors: () => errors,
  /** Texts that are kept for this page, by the owner's outbox. */
  async kept(url: string, owner: string): Promise<unknown[]> {
    const messages = await createIndexedDbOutbox(owner).load(url.replace(/^http/, "ws"));
    return messages.map(({ data }) => JSON.parse(data));
  },
};

/** Functions that a test may call. */
export type OutboxControls = typeof controls;

offer(controls);
