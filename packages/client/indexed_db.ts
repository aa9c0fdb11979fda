/**
 * An outbox that outlives a reload, for browsers: messages that were published and not acked are kept in IndexedDB.
 *
 * ```ts
 * const storage = createIndexedDbOutbox(user.id);
 * const room = connect(url, { token, outbox: { storage } });
 * ```
 *
 * @module
 */
import { answered, BY_MESSAGE, BY_OWNER, BY_ROOM, Database } from "./indexed_db/database.ts";
import { hasGone, holdPage } from "./indexed_db/page_hold.ts";
import type { DatabaseFactory, ObjectStore } from "./indexed_db/platform.ts";
import type { OutboxStorage, StoredMessage } from "./outbox_storage.ts";

/** Where messages are kept. */
export interface IndexedDbOptions {
  /** The database's name. Default: `realtime-outbox`. */
  readonly name?: string | undefined;
  /** Default: the browser's. */
  readonly indexedDB?: DatabaseFactory | undefined;
}

/** An outbox in IndexedDB. */
export interface IndexedDbOutbox extends OutboxStorage {
  /** Forgets all messages of the owner, in every room: for signing out where others use the machine. @throws {Error} as `load` */
  clear(): Promise<void>;
  /** Closes the database; what is asked for later opens it again. */
  close(): void;
}

/** A message as it is kept. */
interface KeptMessage extends StoredMessage {
  /** Its place in the order. */
  readonly place: number;
  readonly owner: string;
  readonly room: string;
  /** The page that sends it; null when pages cannot tell each other apart. */
  readonly holder: string | null;
}

/**
 * Creates an outbox in IndexedDB for one user's messages; several may share a database. Nothing is opened before it is needed. Every
 * method rejects with an Error that says why, and the browser's own as `cause`, where a page may not keep anything, the disk is full, or
 * a newer version of the database is there.
 *
 * Of several pages each sends its own messages only: `load` leaves out those of pages that are still open, and takes over those of
 * pages that have gone. That needs Web Locks, which are there with https and on localhost; without them it takes all, and when two
 * pages send the same message the server recognizes it, for as long as it recognizes retries. A page that has kept messages is not put
 * into the back/forward cache. Messages lie there as they are until they are acked or `clear` is called.
 */
export function createIndexedDbOutbox(owner: string, options: IndexedDbOptions = {}): IndexedDbOutbox {
  const database = new Database(options.name ?? "realtime-outbox", options.indexedDB);

  return {
    owner,

    async load(room) {
      const found = await database.run("readonly", (store) => messagesOf(store, [owner, room]));
      if (found.length === 0) return [];
      const holder = await holdPage();
      const holders = new Set(found.map((message) => message.holder));
      const gone = new Set<string | null>([null, holder]);
      await Promise.all([...holders].map(async (name) => {
        if (!gone.has(name) && name !== null && await hasGone(name)) gone.add(name);
      }));
      return await database.run("readwrite", async (store) => {
        const kept = await messagesOf(store, [owner, room]);
        const own = kept.filter((message) => gone.has(message.holder));
        for (const message of own) store.put({ ...message, holder });
        return own.map(({ id, event, data, sentAt }) => ({ id, event, data, sentAt }));
      });
    },

    async put(room, { id, event, data, sentAt }) {
      // A page that cannot keep anything has nothing to hold.
      await database.open();
      const holder = await holdPage();
      await database.run("readwrite", async (store) => {
        const place = await placeOf(store, [owner, room, id]);
        store.put({ ...place, owner, room, holder, id, event, data, sentAt });
      });
    },

    async remove(room, id) {
      await database.run("readwrite", async (store) => {
        const kept = await placeOf(store, [owner, room, id]);
        if (kept) store.delete(kept.place);
      });
    },

    async clear() {
      await database.run("readwrite", async (store) => {
        const kept = await answered(store.index(BY_OWNER).getAll([owner])) as KeptMessage[];
        for (const { place } of kept) store.delete(place);
      });
    },

    close: () => database.close(),
  };
}

/** The owner's messages for a room, in the order in which they were put first. */
async function messagesOf(store: ObjectStore, ownerAndRoom: string[]): Promise<KeptMessage[]> {
  // Nobody else writes to this database.
  return await answered(store.index(BY_ROOM).getAll(ownerAndRoom)) as KeptMessage[];
}

/** The key of a message that is there already. */
async function placeOf(store: ObjectStore, message: string[]): Promise<{ place: number } | undefined> {
  const kept = await answered(store.index(BY_MESSAGE).get(message)) as KeptMessage | undefined;
  return kept && { place: kept.place };
}
