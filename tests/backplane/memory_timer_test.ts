/** When the memory does something by itself, on real time; that no timer is left is seen by the sanitizers of each test. */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { Listener } from "./listener.ts";
import { MemoryTestWorld } from "./memory_world.ts";
import { entry } from "./samples.ts";

const realTime = { now: () => Date.now() };

Deno.test("memory: who is lost leaves by itself when the time is over", async () => {
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

Deno.test("memory: who is lost leaves by itself though the one before did not wait for its time", async () => {
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

Deno.test("memory: the timer goes on while a backplane is open", async () => {
  await using world = new MemoryTestWorld({ ...realTime, graceMs: 20 });
  const isolate = await world.open();
  const other = await world.open();
  const listener = await Listener.open(other, "r");
  await isolate.enter("r", entry("alice1"));
  await isolate.close();
  await listener.untilChanges(2);
  assertEquals(listener.changes.at(-1), { type: "left", entry: entry("alice1") });
});

Deno.test("memory: an entry that outlived all backplanes goes when there is one again", async () => {
  await using world = new MemoryTestWorld({ ...realTime, graceMs: 20 });
  const isolate = await world.open();
  await isolate.enter("r", entry("alice1"));
  await isolate.close();
  const listener = await Listener.open(await world.open(), "r");
  assertEquals(listener.subscription.present, [entry("alice1")]);
  await listener.untilChanges(1);
  assertEquals(listener.changes, [{ type: "left", entry: entry("alice1") }]);
});

Deno.test("memory: no timer is left when nobody lingers any more", async () => {
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
  // The world is left open: what the sanitizers would see is a timer.
});

Deno.test("memory: no timer is left when all backplanes are closed", async () => {
  const world = new MemoryTestWorld(realTime);
  const isolates = [await world.open(), await world.open()];
  for (const isolate of isolates) await isolate.enter("r", entry("alice1"));
  for (const isolate of isolates) await isolate.close();
});

Deno.test("memory: whose time is over is not present, though no timer has rung", async () => {
  await using world = new MemoryTestWorld();
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.enter("r", entry("alice1"));
  await isolate.linger("r", "alice1", 1_000);
  world.moveClock(1_000);
  assertEquals(await isolate.present("r"), []);
  assertEquals(listener.changes.at(-1), { type: "left", entry: entry("alice1") });
});

Deno.test("memory: a grace time longer than a timer can wait is waited for, not asked for again and again", async () => {
  let looks = 0;
  await using world = new MemoryTestWorld({ now: () => (looks++, Date.now()) });
  const isolate = await world.open();
  await isolate.enter("r", entry("alice1"));
  await isolate.linger("r", "alice1", 2 ** 33);
  // As many turns of the event loop as a timer without delay would need to show.
  for (let turn = 0; turn < 20; turn++) await delay(1);
  assert(looks < 10, `${looks} looks at the clock`);
  assertEquals(await isolate.present("r"), [entry("alice1")]);
});
