/** Tests the memory store's bound. */
import { assert, assertEquals, assertNotEquals, fail } from "@std/assert";
import fc from "fast-check";
import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { MemoryTestWorld } from "./memory_world.ts";
import { outline } from "./pages.ts";
import { draft, entry, range } from "./samples.ts";

const ALL = { after: 0, limit: 1_000 } as const;
const MAX_BYTES = 100_000;
/** Excess over the bound that rooms with members may cause: they are never evicted. */
const IN_USE_BYTES = 6 * 2_000;
/** Data that makes a message about a tenth of the bound. */
const BIG = JSON.stringify("x".repeat(4_000));

/** Publishes one big message to each of many rooms, enough to fill the store. */
async function flood(isolate: Backplane, name: string, rooms: number = 10): Promise<void> {
  for (const number of range(1, rooms)) {
    await isolate.publish(`${name} ${number}`, [draft("m", { data: BIG })]);
  }
}

Deno.test("memory: the store stays within its bound for any sequence of publishes, reads and subscribes", async () => {
  const text = fc.nat({ max: 3_000 }).map((length) => "é".repeat(length));
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.constant("publish"), fc.nat({ max: 30 }), fc.array(text, { maxLength: 8 })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom("subscribe", "read"), fc.nat({ max: 5 }), fc.constant([])),
    },
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
    await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
    const isolate = await world.open();
    let id = 0;
    for (const [what, number, texts] of steps) {
      const room = `r${number}`;
      if (what === "subscribe") await isolate.subscribe(room, () => {});
      else if (what === "read") await isolate.history(room, ALL);
      else await isolate.publish(room, texts.map((data) => draft(`${id++}`, { data })));
      assert(world.store.rooms.bytes <= MAX_BYTES + IN_USE_BYTES, `${world.store.rooms.bytes}`);
    }
  }));
});

Deno.test("memory: rooms without members are evicted first, least recently used first", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  for (const room of ["listened to", "inhabited", "read", "old", "written to", "left"]) {
    await isolate.publish(room, [draft("m", { data: BIG })]);
  }
  const listener = await Listener.open(isolate, "listened to");
  await isolate.enter("inhabited", entry("alice1"));
  (await Listener.open(isolate, "left")).close();
  await isolate.history("read", ALL);
  await isolate.publish("written to", [draft("m2")]);
  const { rooms } = world.store;
  const evictionOrder = ["old", "left", "read", "written to"];
  for (const number of range(1, 100)) {
    const evicted = evictionOrder.filter((room) => !rooms.find(room));
    assertEquals(evicted, evictionOrder.slice(0, evicted.length));
    if (number === 1) assertEquals(evicted, []);
    await isolate.publish(`new ${number}`, [draft("m", { data: BIG })]);
  }
  assertEquals(evictionOrder.filter((room) => rooms.find(room)), []);
  assertEquals(["listened to", "inhabited"].map((room) => rooms.find(room)?.log.head), [1, 1]);
  assertEquals(listener.subscription.epoch, (await isolate.history("listened to", ALL)).epoch);
});

Deno.test("memory: an evicted room restarts in a new epoch each time", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const epochs = new Set<string>();
  for (const round of range(1, 5)) {
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: false }]);
    const { epoch } = await isolate.history("r", ALL);
    await flood(isolate, `round ${round}`, 20);
    // The epoch differs before the room has content again, and stays.
    const { subscription } = await Listener.open(isolate, "r");
    assertEquals(subscription.head, 0);
    assertNotEquals(subscription.epoch, epoch);
    assertEquals((await isolate.history("r", ALL)).epoch, subscription.epoch);
    subscription.close();
    assertEquals((await isolate.history("r", ALL)).epoch, subscription.epoch);
    epochs.add(epoch);
  }
  assertEquals(epochs.size, 5);
});

Deno.test("memory: a room without history keeps its epoch when other rooms are evicted", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const { subscription } = await Listener.open(isolate, "r");
  subscription.close();
  await flood(isolate, "other", 50);
  assertEquals((await isolate.history("r", ALL)).epoch, subscription.epoch);
});

Deno.test("memory: no epoch is used twice, however many rooms are evicted", async () => {
  await using world = new MemoryTestWorld({ maxBytes: 50_000 });
  const isolate = await world.open();
  const seen = new Set<string>();
  for (const round of range(1, 3)) {
    for (const number of range(1, 12_000)) {
      await isolate.publish(`r${number}`, [draft(`${round}`)]);
      const { epoch, head } = await isolate.history(`r${number}`, ALL);
      if (head !== 1 || seen.has(`${number} ${epoch}`)) {
        fail(`round ${round}: room ${number} is back at ${head}`);
      }
      seen.add(`${number} ${epoch}`);
    }
  }
});

Deno.test("memory: if all rooms have members, the published room loses its oldest messages", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  await Listener.open(isolate, "quiet");
  const busy = await Listener.open(isolate, "busy");
  await isolate.publish("quiet", [draft("m", { data: BIG })]);
  for (const number of range(1, 30)) await isolate.publish("busy", [draft(`${number}`, { data: BIG })]);
  assertEquals(busy.offsets, range(1, 30));
  const page = await isolate.history("busy", ALL);
  assert(page.first > 15 && page.first < 28, `first ${page.first}`);
  assertEquals(outline(page), { head: 30, first: page.first, offsets: range(page.first, 30), more: false });
  assertEquals(page.epoch, busy.subscription.epoch);
  assertEquals(outline(await isolate.history("quiet", ALL)), {
    head: 1,
    first: 1,
    offsets: [1],
    more: false,
  });
});

Deno.test("memory: a publish does not evict its own room, even without members", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const { epoch } = await isolate.history("r", ALL);
  for (const number of range(1, 30)) await isolate.publish("r", [draft(`${number}`, { data: BIG })]);
  const page = await isolate.history("r", ALL);
  assertEquals([page.epoch, page.head], [epoch, 30]);
  assert(page.first > 15 && page.first < 28, `first ${page.first}`);
});

Deno.test("memory: entering a room evicts rooms without members", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  await flood(isolate, "idle", 20);
  for (const number of range(1, 20)) {
    await isolate.subscribe(`listened to ${number}`, () => {});
    await isolate.enter(`inhabited ${number}`, entry("alice1"));
    assert(world.store.rooms.bytes <= MAX_BYTES, `${world.store.rooms.bytes}`);
  }
});

Deno.test("memory: a message larger than the bound is delivered and not retained", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", [draft("m", { data: JSON.stringify("x".repeat(MAX_BYTES)) })]);
  assertEquals(listener.offsets, [1]);
  const page = await isolate.history("r", ALL);
  assertEquals(outline(page), { head: 1, first: 2, offsets: [], more: false });
  assertEquals(await isolate.publish("r", [draft("n")]), [{ offset: 2, duplicate: false }]);
});

Deno.test("memory: dedupe entries count against the bound, and the oldest go first", async () => {
  await using world = new MemoryTestWorld({
    maxBytes: MAX_BYTES,
    retention: { messages: 1, ageMs: 1_000_000, dedupeMs: 1_000_000 },
  });
  const isolate = await world.open();
  await Listener.open(isolate, "r");
  for (const number of range(1, 2_000)) await isolate.publish("r", [draft(`${number}`)]);
  assert(world.store.rooms.bytes <= MAX_BYTES);
  assertEquals(await isolate.publish("r", [draft("1900")]), [{ offset: 1_900, duplicate: true }]);
  assertEquals(await isolate.publish("r", [draft("1")]), [{ offset: 2_001, duplicate: false }]);
});
