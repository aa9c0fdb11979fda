/** Runs the contract suite on the memory backplane, and tests its additional guarantees. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { backplaneContract } from "./contract.ts";
import { Listener } from "./listener.ts";
import { createMemoryTestWorld, MemoryTestWorld } from "./memory_world.ts";
import { draft, drafts, entry, ephemeral } from "./samples.ts";

backplaneContract({ name: "memory", createWorld: createMemoryTestWorld, canKill: false, runs: 300 });

Deno.test("memory: a publish reaches each subscription as one event before the call returns", async () => {
  await using world = new MemoryTestWorld();
  const isolate = await world.open();
  const listeners = [await Listener.open(isolate, "r"), await Listener.open(await world.open(), "r")];
  const publishing = isolate.publish("r", [...drafts("m", 3), draft("m1"), draft("m4")]);
  for (const listener of listeners) {
    assertEquals(listener.events.length, 1);
    assertEquals(listener.offsets, [1, 2, 3, 4]);
  }
  await publishing;
});

Deno.test("memory: a publish of duplicates only delivers nothing", async () => {
  await using world = new MemoryTestWorld();
  const isolate = await world.open();
  await isolate.publish("r", drafts("m", 2));
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", drafts("m", 2));
  assertEquals(listener.events, []);
});

Deno.test("memory: a throwing subscriber is reported and affects neither the publish nor other subscribers", async () => {
  await using world = new MemoryTestWorld();
  const isolate = await world.open();
  const before = await Listener.open(isolate, "r");
  const error = new Error("the subscriber's own");
  await isolate.subscribe("r", () => {
    throw error;
  });
  const after = await Listener.open(isolate, "r");
  assertEquals(await isolate.publish("r", [draft("1")]), [{ offset: 1, duplicate: false }]);
  await isolate.emit("r", ephemeral("2"));
  for (const listener of [before, after]) assertEquals(listener.ids, ["1", "2"]);
  assertEquals(world.deliverErrors, [error, error]);
});

Deno.test("memory: events caused by deliveries reach all subscribers in one order, and no later subscriber", async () => {
  await using world = new MemoryTestWorld();
  const isolate = await world.open();
  const seen: string[][] = [[], [], []];
  const idOf = (event: RoomEvent) => event.type === "ephemeral" ? event.message.id : event.type;
  await isolate.subscribe("r", (event) => {
    seen[0]?.push(idOf(event));
    if (idOf(event) !== "1") return;
    void isolate.emit("r", ephemeral("2"));
    void isolate.subscribe("r", (later) => seen[2]?.push(idOf(later)));
    void isolate.emit("r", ephemeral("3"));
  });
  await isolate.subscribe("r", (event) => seen[1]?.push(idOf(event)));
  await isolate.emit("r", ephemeral("1"));
  assertEquals(seen, [["1", "2", "3"], ["1", "2", "3"], ["3"]]);
});

Deno.test("memory: two memory stores have different epochs", async () => {
  const epochs = [];
  for (const id of ["one", "other"]) {
    await using world = new MemoryTestWorld({ id: () => id });
    epochs.push((await (await world.open()).history("r", { after: 0, limit: 1 })).epoch);
  }
  assertNotEquals(epochs[0], epochs[1]);
});

Deno.test("memory: empty, unused rooms take no memory, whatever was done to them", async () => {
  await using world = new MemoryTestWorld();
  const isolate = await world.open();
  const { rooms } = world.store;
  const request = { after: 0, limit: 1 };
  const uses: Record<string, (room: string) => Promise<unknown>> = {
    publish: (room) => isolate.publish(room, []),
    emit: (room) => isolate.emit(room, ephemeral("m")),
    subscribe: async (room) => (await isolate.subscribe(room, () => {})).close(),
    history: (room) => isolate.history(room, request),
    leave: (room) => isolate.leave(room, "alice1"),
    linger: (room) => isolate.linger(room, "alice1", 1_000),
    resume: (room) => isolate.resume(room, { user: "alice", connection: "alice1" }),
    present: (room) => isolate.present(room),
    enter: async (room) => {
      await isolate.enter(room, entry("alice1"));
      assertEquals(rooms.size, 1);
      await isolate.leave(room, "alice1");
    },
    expire: async (room) => {
      await isolate.enter(room, entry("alice1"));
      await isolate.linger(room, "alice1", 1_000);
      await world.advance(1_000);
    },
    both: async (room) => {
      const subscription = await isolate.subscribe(room, () => {});
      await isolate.enter(room, entry("alice1"));
      subscription.close();
      assertEquals(rooms.size, 1);
      await isolate.leave(room, "alice1");
    },
    close: async (room) => {
      const other = await world.open();
      await other.subscribe(room, () => {});
      await other.enter(room, entry("alice1"));
      await other.close();
      assertEquals(rooms.size, 1);
      await world.advance(30_000);
    },
  };
  for (const [use, run] of Object.entries(uses)) {
    await run(use);
    assertEquals([rooms.size, rooms.bytes], [0, 0], use);
  }
});

Deno.test("memory: dedupe entries are removed after the dedupe window", async () => {
  await using world = new MemoryTestWorld({ retention: { messages: 0, ageMs: 1, dedupeMs: 1_000 } });
  const isolate = await world.open();
  const { rooms } = world.store;
  await isolate.publish("r", [draft("a")]);
  const one = rooms.bytes;
  for (const id of "bcdefg") await isolate.publish("r", [draft(id)]);
  assert(rooms.bytes > one);
  world.moveClock(1_000);
  await isolate.publish("r", [draft("h")]);
  assertEquals(rooms.bytes, one);
});

Deno.test("memory: expired messages are freed when the room is read", async () => {
  await using world = new MemoryTestWorld({ retention: { messages: 100, ageMs: 1_000, dedupeMs: 0 } });
  const isolate = await world.open();
  const { rooms } = world.store;
  await isolate.publish("r", drafts("m", 50));
  const full = rooms.bytes;
  world.moveClock(1_000);
  await isolate.history("r", { after: 0, limit: 1 });
  assert(rooms.bytes < full - 50 * 200, `${rooms.bytes} of ${full}`);
});
