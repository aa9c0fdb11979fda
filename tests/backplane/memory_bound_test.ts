/** What the memory does when there is too much for it. */
import { assert, assertEquals, assertNotEquals, fail } from "@std/assert";
import fc from "fast-check";
import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { Listener } from "./listener.ts";
import { MemoryTestWorld } from "./memory_world.ts";
import { outline } from "./pages.ts";
import { draft, entry, range } from "./samples.ts";

const ALL = { after: 0, limit: 1_000 } as const;
const MAX_BYTES = 100_000;
/** What rooms in which somebody is may take beyond it: they cannot be given up. */
const IN_USE_BYTES = 6 * 2_000;
/** With what surrounds it, a tenth of the bound, about. */
const BIG = JSON.stringify("x".repeat(4_000));

/** Publishes a big message to a room of its own, as often as it takes to fill the memory. */
async function flood(isolate: Backplane, name: string, rooms: number = 10): Promise<void> {
  for (const number of range(1, rooms)) {
    await isolate.publish(`${name} ${number}`, [draft("m", { data: BIG })]);
  }
}

Deno.test("memory: it stays within its bound, whatever is published and whoever is there", async () => {
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
      assert(world.memory.rooms.bytes <= MAX_BYTES + IN_USE_BYTES, `${world.memory.rooms.bytes}`);
    }
  }));
});

Deno.test("memory: the rooms in which nobody is lose their history first, the one longest unused before others", async () => {
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
  const { rooms } = world.memory;
  const inOrder = ["old", "left", "read", "written to"];
  for (const number of range(1, 100)) {
    const gone = inOrder.filter((room) => !rooms.find(room));
    assertEquals(gone, inOrder.slice(0, gone.length));
    if (number === 1) assertEquals(gone, []);
    await isolate.publish(`new ${number}`, [draft("m", { data: BIG })]);
  }
  assertEquals(inOrder.filter((room) => rooms.find(room)), []);
  assertEquals(["listened to", "inhabited"].map((room) => rooms.find(room)?.log.head), [1, 1]);
  assertEquals(listener.subscription.epoch, (await isolate.history("listened to", ALL)).epoch);
});

Deno.test("memory: a room that lost its history begins anew in another epoch, each time", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const epochs = new Set<string>();
  for (const round of range(1, 5)) {
    assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: false }]);
    const { epoch } = await isolate.history("r", ALL);
    await flood(isolate, `round ${round}`, 20);
    // Known for another one before anything is in the room again, and ever after.
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

Deno.test("memory: a room in which nothing was said keeps its epoch when others lose theirs", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const { subscription } = await Listener.open(isolate, "r");
  subscription.close();
  await flood(isolate, "other", 50);
  assertEquals((await isolate.history("r", ALL)).epoch, subscription.epoch);
});

Deno.test("memory: no epoch comes back, however many rooms lose their history", async () => {
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

Deno.test("memory: where somebody is everywhere, the oldest of the room that is published to goes", async () => {
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

Deno.test("memory: the room that is published to is not given up itself, though nobody is in it", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const { epoch } = await isolate.history("r", ALL);
  for (const number of range(1, 30)) await isolate.publish("r", [draft(`${number}`, { data: BIG })]);
  const page = await isolate.history("r", ALL);
  assertEquals([page.epoch, page.head], [epoch, 30]);
  assert(page.first > 15 && page.first < 28, `first ${page.first}`);
});

Deno.test("memory: rooms that somebody enters take the place of those in which nobody is", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  await flood(isolate, "idle", 20);
  for (const number of range(1, 20)) {
    await isolate.subscribe(`listened to ${number}`, () => {});
    await isolate.enter(`inhabited ${number}`, entry("alice1"));
    assert(world.memory.rooms.bytes <= MAX_BYTES, `${world.memory.rooms.bytes}`);
  }
});

Deno.test("memory: a message that is too big for it is delivered all the same, and not kept", async () => {
  await using world = new MemoryTestWorld({ maxBytes: MAX_BYTES });
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", [draft("m", { data: JSON.stringify("x".repeat(MAX_BYTES)) })]);
  assertEquals(listener.offsets, [1]);
  const page = await isolate.history("r", ALL);
  assertEquals(outline(page), { head: 1, first: 2, offsets: [], more: false });
  assertEquals(await isolate.publish("r", [draft("n")]), [{ offset: 2, duplicate: false }]);
});

Deno.test("memory: what would be recognized when repeated counts, and the oldest goes first", async () => {
  await using world = new MemoryTestWorld({
    maxBytes: MAX_BYTES,
    retention: { messages: 1, ageMs: 1_000_000, dedupeMs: 1_000_000 },
  });
  const isolate = await world.open();
  await Listener.open(isolate, "r");
  for (const number of range(1, 2_000)) await isolate.publish("r", [draft(`${number}`)]);
  assert(world.memory.rooms.bytes <= MAX_BYTES);
  assertEquals(await isolate.publish("r", [draft("1900")]), [{ offset: 1_900, duplicate: true }]);
  assertEquals(await isolate.publish("r", [draft("1")]), [{ offset: 2_001, duplicate: false }]);
});
