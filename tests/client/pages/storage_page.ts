/// <reference lib="dom" />
/** Functions that the tests of the IndexedDB outbox call in a page. */
import { createIndexedDbOutbox } from "../../../packages/client/indexed_db.ts";
import { STORAGE_CONTRACT, storedMessage } from "../outbox_storage_contract.ts";
import { offer } from "./offer.ts";

const NAME = "realtime-outbox";
const outboxes = new Map<string, ReturnType<typeof createIndexedDbOutbox>>();

/** The page's own outbox of an owner, the same for every call. */
function outboxOf(owner: string): ReturnType<typeof createIndexedDbOutbox> {
  const outbox = outboxes.get(owner) ?? createIndexedDbOutbox(owner);
  outboxes.set(owner, outbox);
  return outbox;
}

async function failure(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    return `${error} (${error instanceof Error ? error.cause : "no cause"})`;
  }
}

const controls = {
  /** Holds IndexedDB against a rule of the contract, with a database that nobody has used. */
  async check(name: string): Promise<void> {
    const options = { name: `contract: ${name}`, indexedDB };
    const found = STORAGE_CONTRACT.find((rule) => rule.name === name);
    await found?.check({ open: (owner) => createIndexedDbOutbox(owner, options) });
  },
  async put(owner: string, room: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) await outboxOf(owner).put(room, [storedMessage(id)]);
  },
  async load(owner: string, room: string): Promise<string[]> {
    return (await outboxOf(owner).load(room)).map(({ id }) => id);
  },
  async remove(owner: string, room: string, id: string): Promise<void> {
    await outboxOf(owner).remove(room, id);
  },
  async clear(owner: string): Promise<void> {
    await outboxOf(owner).clear();
  },
  /** Returns the error of a put of this many bytes as text, or null. */
  async putFailure(owner: string, bytes = 0): Promise<string | null> {
    const data = JSON.stringify("x".repeat(bytes));
    return await failure(outboxOf(owner).put("elsewhere", [storedMessage("x", { data })]));
  },
  /** Returns the error of a load, which opens the database at once, or null. */
  async loadFailure(owner: string): Promise<string | null> {
    return await failure(outboxOf(owner).load("elsewhere"));
  },
  async databases(): Promise<(string | undefined)[]> {
    return (await indexedDB.databases()).map(({ name }) => name);
  },
  /** Opens the outbox's database in another version, as a newer program does. */
  upgrade(version: number): Promise<string> {
    return new Promise((resolve) => {
      const request = indexedDB.open(NAME, version);
      request.onblocked = () => resolve("blocked");
      request.onsuccess = () => resolve("upgraded");
    });
  },
  deleteDatabase(): Promise<string> {
    return new Promise((resolve) => {
      const request = indexedDB.deleteDatabase(NAME);
      request.onblocked = () => resolve("blocked");
      request.onsuccess = () => resolve("deleted");
    });
  },
  /** Keeps the database open whoever wants to delete it. */
  holdDatabase(): Promise<void> {
    return new Promise((resolve) => {
      indexedDB.open(NAME, 1).onsuccess = () => resolve();
    });
  },
  beginDeletion(): void {
    indexedDB.deleteDatabase(NAME);
  },
};

/** Functions that a test may call. */
export type StorageControls = typeof controls;

offer(controls);
