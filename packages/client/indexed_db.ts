/**
 * An outbox that survives a reload, for browsers: it retains published messages in IndexedDB until
 * their ack.
 *
 * ```ts
 * const storage = createIndexedDbOutbox(user.id);
 * const room = connect(url, { token, outbox: { storage } });
 * ```
 *
 * @module
 */
import { BY_MESSAGE, BY_OWNER, BY_ROOM, Database, resultOf } from "./indexed_db/database.ts";
import { isPageGone, lockPage } from "./indexed_db/page_lock.ts";
import type { DatabaseFactory, ObjectStore } from "./indexed_db/platform.ts";
import type { OutboxStorage, StoredMessage } from "./outbox_storage.ts";

/** Options of the outbox. */
export interface IndexedDbOptions {
  /** Name of the database. Default: `realtime-outbox`. */
  readonly name?: string | undefined;
  /** IndexedDB factory. Default: the browser's. */
  readonly indexedDB?: DatabaseFactory | undefined;
}

/** An outbox in IndexedDB. */
export interface IndexedDbOutbox extends OutboxStorage {
  /**
   * Removes the owner's messages of all rooms, for signing out on a shared machine.
   * @throws {Error} as `load`
   */
  clear(): Promise<void>;
  /** Closes the database. The next call reopens it. */
  close(): void;
}

/** Record of a message. */
interface MessageRecord extends StoredMessage {
  /** Primary key, ascending in the order of `put`. */
  readonly place: number;
  readonly owner: string;
  readonly room: string;
  /** Name of the page that sends it; null without Web Locks. */
  readonly holder: string | null;
}

/**
 * Creates an outbox in IndexedDB for one user's messages. Several users may share a database. The
 * first call opens it. Every method rejects with an Error that names the reason, with the browser's
 * error as `cause`: storage is forbidden, the disk is full, or the database has a newer version.
 *
 * Each of several pages sends its own messages only: `load` skips those of open pages and takes
 * over those of closed ones. That needs Web Locks (https or localhost). Without them `load` returns
 * all messages; if two pages send the same one, the server recognizes it within its dedupe window.
 * A page that has stored messages stays out of the back/forward cache. Messages are stored
 * unencrypted until their ack or `clear`.
 */
export function createIndexedDbOutbox(owner: string, options: IndexedDbOptions = {}): IndexedDbOutbox {
  const database = new Database(options.name ?? "realtime-outbox", options.indexedDB);

  return {
    owner,

    async load(room) {
      const found = await database.run("readonly", (store) => messagesOf(store, [owner, room]));
      if (found.length === 0) return [];
      const holder = lockPage();
      const holders = new Set(found.map((message) => message.holder));
      const gone = new Set<string | null>([null, holder]);
      await Promise.all([...holders].map(async (name) => {
        if (!gone.has(name) && name !== null && await isPageGone(name)) gone.add(name);
      }));
      return await database.run("readwrite", async (store) => {
        const stored = await messagesOf(store, [owner, room]);
        const own = stored.filter((message) => gone.has(message.holder));
        for (const message of own) store.put({ ...message, holder });
        return own.map(({ id, event, data, sentAt }) => ({ id, event, data, sentAt }));
      });
    },

    async put(room, messages) {
      // A page without storage needs no lock.
      await database.open();
      const holder = lockPage();
      const records = messages.map(({ id, event, data, sentAt }) => {
        return { owner, room, holder, id, event, data, sentAt };
      });
      if (messages.every(({ sentAt }) => sentAt === null)) {
        // New messages, so there is nothing to replace. The index refuses an id that is there.
        const isStored = await database.add(records).then(() => true, () => false);
        if (isStored) return;
      }
      await database.run("readwrite", async (store) => {
        const places = await Promise.all(records.map(({ id }) => placeOf(store, [owner, room, id])));
        for (const [index, record] of records.entries()) store.put({ ...places[index], ...record });
      });
    },

    async remove(room, id) {
      await database.run("readwrite", async (store) => {
        const stored = await placeOf(store, [owner, room, id]);
        if (stored) store.delete(stored.place);
      });
    },

    async clear() {
      await database.run("readwrite", async (store) => {
        const stored = await resultOf(store.index(BY_OWNER).getAll([owner])) as MessageRecord[];
        for (const { place } of stored) store.delete(place);
      });
    },

    close: () => database.close(),
  };
}

/** Reads the owner's messages of a room, in the order of their first `put`. */
async function messagesOf(store: ObjectStore, ownerAndRoom: string[]): Promise<MessageRecord[]> {
  // No other code writes to this database.
  return await resultOf(store.index(BY_ROOM).getAll(ownerAndRoom)) as MessageRecord[];
}

/** Reads the key of a stored message. */
async function placeOf(store: ObjectStore, message: string[]): Promise<{ place: number } | undefined> {
  const stored = await resultOf(store.index(BY_MESSAGE).get(message)) as MessageRecord | undefined;
  return stored && { place: stored.place };
}
