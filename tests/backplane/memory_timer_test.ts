/**
 * Tests the memory store's timer in real time. The sanitizers of each test detect a leaked timer.
 */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { Listener } from "./listener.ts";
import { MemoryTestWorld } from "./memory_world.ts";
import { entry } from "./samples.ts";

const realTime = { now: () => performance.now() };

Deno.test("memory: a disconnected member leaves by itself at the end of its grace period", async () => {
  await using world = new MemoryTestWorld(realTime);
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  for (const connection of ["alice1", "bob1", "carol1"]) await isolate.enter("r", entry(connection));
  await isolate.linger("r", "alice1", 60_000);
  await isolate.linger("r", "bob1", 30);
  await isolate.linger("r", "carol1", 10);
  await listener.untilChanges(5);
  assertEquals(listener.changes.slice(3), [
    { type: "left", entry: entry("carol1") },
    { type: "left", entry: entry("bob1") },
  ]);
  assertEquals(await isolate.present("r"), [entry("alice1")]);
});

Deno.test("memory: a disconnected member leaves by itself even if an earlier grace period was cut short", async () => {
  await using world = new MemoryTestWorld(realTime);
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  for (const [connection, graceMs] of [["alice1", 10], ["bob1", 30]] as const) {
    await isolate.enter("r", entry(connection));
    await isolate.linger("r", connection, graceMs);
  }
  await isolate.leave("r", "alice1");
  await listener.untilChanges(4);
  assertEquals(listener.changes.at(-1), { type: "left", entry: entry("bob1") });
});

Deno.test("memory: the timer runs as long as one backplane is open", async () => {
  await using world = new MemoryTestWorld({ ...realTime, graceMs: 20 });
  const isolate = await world.open();
  const other = await world.open();
  const listener = await Listener.open(other, "r");
  await isolate.enter("r", entry("alice1"));
  await isolate.close();
  await listener.untilChanges(2);
  assertEquals(listener.changes.at(-1), { type: "left", entry: entry("alice1") });
});

Deno.test("memory: an entry that outlived all backplanes leaves once a new one opens", async () => {
  await using world = new MemoryTestWorld({ ...realTime, graceMs: 20 });
  const isolate = await world.open();
  await isolate.enter("r", entry("alice1"));
  await isolate.close();
  const listener = await Listener.open(await world.open(), "r");
  assertEquals(listener.subscription.present, [entry("alice1")]);
  await listener.untilChanges(1);
  assertEquals(listener.changes, [{ type: "left", entry: entry("alice1") }]);
});

Deno.test("memory: no timer remains once no entry is in its grace period", async () => {
  const world = new MemoryTestWorld(realTime);
  const isolate = await world.open();
  for (const end of ["taken over", "resumed", "left", "back"]) {
    await isolate.enter(end, entry("alice1"));
    await isolate.linger(end, "alice1", 60_000);
  }
  await isolate.enter("taken over", entry("alice2"));
  await isolate.resume("resumed", { user: "alice", connection: "alice2" });
  await isolate.leave("left", "alice1");
  await isolate.enter("back", entry("alice1"));
  // The world stays open, so the sanitizers would detect a remaining timer.
});

Deno.test("memory: no timer remains once all backplanes are closed", async () => {
  const world = new MemoryTestWorld(realTime);
  const isolates = [await world.open(), await world.open()];
  for (const isolate of isolates) await isolate.enter("r", entry("alice1"));
  for (const isolate of isolates) await isolate.close();
});

Deno.test("memory: a member whose grace period is over is not present, even before the timer fires", async () => {
  await using world = new MemoryTestWorld();
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.enter("r", entry("alice1"));
  await isolate.linger("r", "alice1", 1_000);
  world.moveClock(1_000);
  assertEquals(await isolate.present("r"), []);
  assertEquals(listener.changes.at(-1), { type: "left", entry: entry("alice1") });
});

Deno.test("memory: a grace period longer than the longest timer delay does not make the timer spin", async () => {
  let reads = 0;
  await using world = new MemoryTestWorld({ now: () => (reads++, performance.now()) });
  const isolate = await world.open();
  await isolate.enter("r", entry("alice1"));
  await isolate.linger("r", "alice1", 2 ** 33);
  // Enough event-loop ticks for a timer without delay to show.
  for (let tick = 0; tick < 20; tick++) await delay(1);
  assert(reads < 10, `${reads} clock reads`);
  assertEquals(await isolate.present("r"), [entry("alice1")]);
});
