/** Messages that wait: bounded, kept, restored, in order; never twice, never in another's name. */
import { assertEquals, assertRejects } from "@std/assert";
import { RoomError } from "../../packages/client/errors.ts";
import type { ClientFrame } from "../../packages/protocol/frames.ts";
import { Outbox } from "../../packages/client/outbox.ts";
import type { OutboxStorage, StoredMessage } from "../../packages/client/outbox_storage.ts";
import type { Undelivered } from "../../packages/client/room.ts";
import { welcomeFrame } from "./machine_world.ts";
import { ManualClock, rest } from "./manual_clock.ts";
import { createRequests } from "./sending_requests.ts";

const LIMITS = { frames_per_second: 100, frames_burst: 200, max_frame_bytes: 65_536, dedupe_seconds: 300 };

/** A storage whose calls are written down, and which can be made to fail. */
class NotedStorage implements OutboxStorage {
  readonly owner = "alice";
  readonly calls: string[] = [];
  readonly messages = new Map<string, StoredMessage>();
  fails = false;
  #running = 0;

  load(): Promise<readonly StoredMessage[]> {
    return this.#act("load", () => [...this.messages.values()]);
  }

  put(_room: string, messages: readonly StoredMessage[]): Promise<void> {
    const names = messages.map(({ id, sentAt }) => `${id} ${sentAt === null ? "new" : "sent"}`);
    return this.#act(
      `put ${names}`,
      () => messages.forEach((message) => this.messages.set(message.id, message)),
    );
  }

  remove(_room: string, id: string): Promise<void> {
    return this.#act(`remove ${id}`, () => void this.messages.delete(id));
  }

  async #act<T>(call: string, act: () => T): Promise<T> {
    assertEquals(this.#running++, 0, "two calls at once");
    this.calls.push(call);
    await Promise.resolve();
    this.#running--;
    if (this.fails) throw new Error("The disk is full.");
    return act();
  }
}

function createScene(storage?: OutboxStorage, limit: number = 1_000) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const errors: RoomError[] = [];
  const undelivered: Undelivered[] = [];
  const frames: ClientFrame[] = [];
  const requests = createRequests(clock, (batch) => {
    frames.push(...batch);
    sent.push(...batch.map(({ id }) => id));
  });
  const outbox = new Outbox({
    requests,
    room: "ws://host/rooms/lobby",
    limit,
    storage,
    onError: (error) => errors.push(error),
    onUndelivered: (one) => undelivered.push(one),
  });
  const begin = async (isLossless = true) => {
    requests.connected();
    requests.begin(welcomeFrame({ limits: LIMITS }), isLossless);
    await rest();
  };
  return { clock, sent, frames, errors, undelivered, requests, outbox, begin };
}

Deno.test("a message waits until its ack, and is counted until then", async () => {
  const { outbox, requests, begin, sent } = createScene();
  const published = outbox.publish("a", "chat", "hi");
  assertEquals(outbox.size, 1);
  await begin();
  assertEquals(sent, ["a"]);
  requests.answer({ type: "ack", id: "a", offset: 5 });
  assertEquals(await published, 5);
  assertEquals(outbox.size, 0);
});

Deno.test("one message more than may wait is refused, and there is room again after an ack", async () => {
  const { outbox, requests, begin } = createScene(undefined, 2);
  void outbox.publish("a", "chat", 1);
  void outbox.publish("b", "chat", 2);
  const error = await assertRejects(() => outbox.publish("c", "chat", 3), RoomError);
  assertEquals(error.code, "outbox_full");
  await begin();
  requests.answer({ type: "ack", id: "a", offset: 1 });
  await rest();
  void outbox.publish("c", "chat", 3);
  assertEquals(outbox.size, 2);
});

Deno.test("the same id while it waits is the same message", async () => {
  const { outbox, requests, begin, sent } = createScene();
  const both = [outbox.publish("a", "chat", 1), outbox.publish("a", "chat", 1)];
  await begin();
  requests.answer({ type: "ack", id: "a", offset: 9 });
  assertEquals(await Promise.all(both), [9, 9]);
  assertEquals(sent, ["a"]);
});

Deno.test("what cannot be JSON is refused at once", async () => {
  const { outbox } = createScene();
  await assertRejects(() => outbox.publish("a", "chat", undefined), TypeError, "data cannot be JSON.");
});

Deno.test("a message is as it was when it was published, whatever the application does with the object later", async () => {
  const storage = new NotedStorage();
  const { outbox, begin, frames } = createScene(storage);
  const data = { text: "before" };
  void outbox.publish("a", "chat", data);
  data.text = "after";
  await begin();
  assertEquals(storage.messages.get("a")?.data, '{"text":"before"}');
  assertEquals(frames.map((frame) => frame.type === "publish" && frame.data), [{ text: "before" }]);
});

Deno.test("a message is kept before it is sent, marked when it is sent, and forgotten with its ack", async () => {
  const storage = new NotedStorage();
  const { outbox, requests, begin } = createScene(storage);
  const published = outbox.publish("a", "chat", "hi");
  await begin();
  await outbox.settled();
  requests.answer({ type: "ack", id: "a", offset: 1 });
  await published;
  await outbox.settled();
  assertEquals(storage.calls, ["put a new", "put a sent", "remove a"]);
  assertEquals(storage.messages.size, 0);
});

Deno.test("what an earlier page load has left goes first, under the same ids", async () => {
  const storage = new NotedStorage();
  for (const id of ["old-1", "old-2"]) {
    storage.messages.set(id, { id, event: "chat", data: "1", sentAt: null });
  }
  const { outbox, begin, sent, requests } = createScene(storage);
  const restored = outbox.restore();
  void outbox.publish("new", "chat", 1);
  await restored;
  await begin();
  await outbox.settled();
  await rest();
  assertEquals(sent, ["old-1", "old-2", "new"]);
  for (const id of sent) requests.answer({ type: "ack", id, offset: 1 });
  await rest();
  await outbox.settled();
  assertEquals(storage.messages.size, 0);
});

Deno.test("what was left and is refused is told, since nobody holds its promise", async () => {
  const storage = new NotedStorage();
  storage.messages.set("a", { id: "a", event: "chat", data: '{"text":""}', sentAt: null });
  const { outbox, begin, requests, undelivered } = createScene(storage);
  await outbox.restore();
  await begin();
  requests.answer({ type: "error", code: "invalid_frame", message: "empty", id: "a", field: "data.text" });
  await rest();
  assertEquals(undelivered.map(({ id, data, error }) => [id, data, error.code]), [
    ["a", { text: "" }, "invalid_frame"],
  ]);
});

Deno.test("what was sent before the reload, longer ago than retries are recognized, is told and not sent twice", async () => {
  const storage = new NotedStorage();
  const { clock, outbox, begin, undelivered, sent } = createScene(storage);
  storage.messages.set("a", { id: "a", event: "chat", data: "1", sentAt: clock.now() - 300_000 });
  await outbox.restore();
  await begin(false);
  assertEquals(sent, []);
  assertEquals(undelivered.map(({ error }) => error.code), ["outcome_unknown"]);
});

Deno.test("a storage that fails is told, and the message goes all the same", async () => {
  const storage = new NotedStorage();
  storage.fails = true;
  const { outbox, begin, sent, errors } = createScene(storage);
  void outbox.publish("a", "chat", 1);
  await rest();
  await begin();
  assertEquals(sent, ["a"]);
  const [error] = errors;
  assertEquals(error?.code, "storage_failed");
  assertEquals(String(error?.cause), "Error: The disk is full.");
});

Deno.test("what waits when the room is closed stays kept, and goes when it is opened again", async () => {
  const storage = new NotedStorage();
  const { outbox, requests, begin, sent } = createScene(storage);
  const published = outbox.publish("a", "chat", 1);
  await rest();
  requests.closedBy = new RoomError("closed", "over");
  assertEquals((await assertRejects(() => published, RoomError)).code, "closed");
  await outbox.settled();
  assertEquals([...storage.messages.keys()], ["a"]);
  requests.closedBy = null;
  await outbox.restore();
  await begin();
  assertEquals(sent, ["a"]);
});

Deno.test("a burst is one call of the storage, and so are its first sends", async () => {
  const storage = new NotedStorage();
  const { outbox, begin, sent, requests } = createScene(storage);
  const ids = Array.from({ length: 30 }, (_, index) => `m${index}`);
  const said = ids.map((id) => outbox.publish(id, "chat", 1));
  await rest();
  assertEquals(storage.calls, [`put ${ids.map((id) => `${id} new`)}`]);
  await begin();
  assertEquals(sent, ids);
  assertEquals(storage.calls[1], `put ${ids.map((id) => `${id} sent`)}`);
  ids.forEach((id, index) => requests.answer({ type: "ack", id, offset: index + 1 }));
  await Promise.all(said);
  await outbox.settled();
  assertEquals(storage.messages.size, 0);
});

Deno.test("an id that is published again right after its ack stays stored", async () => {
  const storage = new NotedStorage();
  const { outbox, begin, requests } = createScene(storage);
  await begin();
  const first = outbox.publish("a", "chat", 1);
  await rest();
  requests.answer({ type: "ack", id: "a", offset: 1 });
  await first;
  outbox.publish("a", "chat", 1).catch(() => {/* never answered */});
  await outbox.settled();
  assertEquals([...storage.messages.keys()], ["a"]);
});
