/**
 * Contract of every outbox storage. The cases also run in a page, so they import nothing that a
 * browser lacks.
 */
import type { OutboxStorage, StoredMessage } from "../../packages/client/outbox_storage.ts";

/** Storage under test. */
export interface StorageUnderTest {
  /**
   * Opens a storage of the owner's messages. Two of the same owner share them, like two page loads.
   */
  open(owner: string): OutboxStorage;
}

/** A rule. */
export interface StorageCase {
  readonly name: string;
  /** @throws {Error} saying what was there instead */
  check(storages: StorageUnderTest): Promise<void>;
}

const ROOM = "ws://127.0.0.1/realtime/rooms/a";
const OTHER_ROOM = "ws://127.0.0.1/realtime/rooms/b";

/** A message as it is kept. */
export function storedMessage(id: string, change: Partial<StoredMessage> = {}): StoredMessage {
  return { id, event: "chat", data: JSON.stringify({ text: id }), sentAt: null, ...change };
}

/** The contract. Each case begins with nothing kept. */
export const STORAGE_CONTRACT: readonly StorageCase[] = [
  {
    name: "where nothing was put nothing is loaded, and removing it is no fault",
    async check({ open }) {
      const storage = open("alice");
      expect(storage.owner, "alice");
      expect(await storage.load(ROOM), []);
      await storage.remove(ROOM, "a");
      expect(await storage.load(ROOM), []);
    },
  },
  {
    name: "messages are loaded as they were put, in that order",
    async check({ open }) {
      const messages = [
        storedMessage("b"),
        storedMessage("a", { sentAt: 1795406352800 }),
        storedMessage("ü 🎈 \u0000", { event: "é", data: '"\\u0000🎈"' }),
        ...Array.from({ length: 20 }, (_, index) => storedMessage(`id-${19 - index}`)),
      ];
      for (const message of messages) await open("alice").put(ROOM, [message]);
      expect(await open("alice").load(ROOM), messages);
      expect(await open("alice").load(ROOM), messages);
    },
  },
  {
    name: "messages of one call are loaded in its order, known ones in their place",
    async check({ open }) {
      const storage = open("alice");
      await storage.put(ROOM, [storedMessage("b"), storedMessage("a")]);
      await storage.put(ROOM, [storedMessage("c"), storedMessage("a", { sentAt: 5 }), storedMessage("d")]);
      await storage.put(ROOM, []);
      const expected = [
        storedMessage("b"),
        storedMessage("a", { sentAt: 5 }),
        storedMessage("c"),
        storedMessage("d"),
      ];
      expect(await open("alice").load(ROOM), expected);
    },
  },
  {
    name: "a message of the same id is replaced and keeps its place",
    async check({ open }) {
      const storage = open("alice");
      for (const id of ["a", "b", "c"]) await storage.put(ROOM, [storedMessage(id)]);
      await storage.put(ROOM, [storedMessage("a", { sentAt: 5 })]);
      await storage.put(ROOM, [storedMessage("b", { sentAt: 6, data: "[1]" })]);
      const expected = [
        storedMessage("a", { sentAt: 5 }),
        storedMessage("b", { sentAt: 6, data: "[1]" }),
        storedMessage("c"),
      ];
      expect(await open("alice").load(ROOM), expected);
    },
  },
  {
    name: "a message that was removed is gone, and one that is put again comes last",
    async check({ open }) {
      const storage = open("alice");
      for (const id of ["a", "b", "c"]) await storage.put(ROOM, [storedMessage(id)]);
      await storage.remove(ROOM, "a");
      await storage.remove(ROOM, "a");
      expect(await open("alice").load(ROOM), [storedMessage("b"), storedMessage("c")]);
      await storage.put(ROOM, [storedMessage("a")]);
      expect((await open("alice").load(ROOM)).map(({ id }) => id), ["b", "c", "a"]);
    },
  },
  {
    name: "rooms do not see each other's messages, of the same id either",
    async check({ open }) {
      const storage = open("alice");
      await storage.put(ROOM, [storedMessage("a", { data: "1" })]);
      await storage.put(OTHER_ROOM, [storedMessage("a", { data: "2" })]);
      await storage.remove(OTHER_ROOM, "b");
      expect(await storage.load(ROOM), [storedMessage("a", { data: "1" })]);
      await storage.remove(ROOM, "a");
      expect(await storage.load(ROOM), []);
      expect(await storage.load(OTHER_ROOM), [storedMessage("a", { data: "2" })]);
    },
  },
  {
    name: "owners do not see each other's messages, of the same id either",
    async check({ open }) {
      await open("alice").put(ROOM, [storedMessage("a", { data: "1" })]);
      await open("bob").put(ROOM, [storedMessage("a", { data: "2" })]);
      await open("bob").remove(ROOM, "a");
      expect(await open("bob").load(ROOM), []);
      expect(await open("alice").load(ROOM), [storedMessage("a", { data: "1" })]);
      // Names that would be one when they are joined.
      await open("a").put("b/c", [storedMessage("x")]);
      expect(await open("a/b").load("c"), []);
    },
  },
  {
    name: "what is kept is a copy",
    async check({ open }) {
      const message = { id: "a", event: "chat", data: "1", sentAt: null };
      await open("alice").put(ROOM, [message]);
      message.data = "2";
      expect(await open("alice").load(ROOM), [storedMessage("a", { data: "1" })]);
    },
  },
  {
    name: "two storages that put at once lose nothing and mix up nobody's order",
    async check({ open }) {
      const ids = Array.from({ length: 25 }, (_, index) => index);
      const putAll = async (name: string) => {
        const storage = open("alice");
        for (const id of ids) await storage.put(ROOM, [storedMessage(`${name}-${id}`)]);
      };
      await Promise.all([putAll("one"), putAll("two")]);
      const loaded = (await open("alice").load(ROOM)).map(({ id }) => id);
      for (const name of ["one", "two"]) {
        expect(loaded.filter((id) => id.startsWith(name)), ids.map((id) => `${name}-${id}`));
      }
      expect(loaded.length, 2 * ids.length);
    },
  },
];

function expect(actual: unknown, expected: unknown): void {
  const [is, shouldBe] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== shouldBe) throw new Error(`${is} is there, and should be ${shouldBe}`);
}
