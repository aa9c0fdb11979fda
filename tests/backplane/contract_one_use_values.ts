import { assertEquals } from "@std/assert";
import { range } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** Number of races for a value of its own each. */
const RACES = 100;

/** Tests `put` and `take`. */
export function testOneUseValues(subject: Subject): void {
  worldTest(subject, "a value is taken once, on any isolate", async (world) => {
    const [isolate, other] = [await world.open(), await world.open()];
    await isolate.put("key", "value", 30_000);
    assertEquals(await other.take("key"), "value");
    assertEquals(await other.take("key"), undefined);
    assertEquals(await isolate.take("key"), undefined);
  });

  worldTest(subject, `two isolates race ${RACES} times for a value: each is taken once`, async (world) => {
    const isolates = [await world.open(), await world.open()];
    const keys = range(1, RACES).map((number) => `key ${number}`);
    await Promise.all(keys.map((key, index) => isolates[index % 2]?.put(key, `value of ${key}`, 30_000)));
    const races = keys.map((key) => Promise.all(isolates.map((isolate) => isolate.take(key))));
    const taken = (await Promise.all(races)).map((values) => values.filter((value) => value !== undefined));
    assertEquals(taken, keys.map((key) => [`value of ${key}`]));
  });

  worldTest(subject, "an expired value is never taken", async (world) => {
    const [isolate, other] = [await world.open(), await world.open()];
    await isolate.put("short", "value", 30_000);
    await isolate.put("long", "value", 90_000);
    await world.advance(30_000);
    assertEquals(await other.take("short"), undefined);
    assertEquals(await other.take("long"), "value");
  });

  worldTest(subject, "a value that is put again replaces the one before", async (world) => {
    const isolate = await world.open();
    await isolate.put("key", "one", 30_000);
    await isolate.put("key", "two", 90_000);
    await world.advance(30_000);
    assertEquals(await isolate.take("key"), "two");
    assertEquals(await isolate.take("key"), undefined);
  });

  worldTest(subject, "keys and values are any text, and no room's", async (world) => {
    const isolate = await world.open();
    const texts = ["{r}", "r", "", "ü\u001f\u001e \u{1f600}", "x".repeat(20_000)];
    for (const text of texts) await isolate.put(`rooms/${text.slice(0, 40)}`, text, 30_000);
    for (const text of texts) {
      const key = `rooms/${text.slice(0, 40)}`;
      assertEquals((await isolate.history(key, { after: 0, limit: 1 })).head, 0);
      assertEquals(await isolate.take(key), text);
    }
  });

  worldTest(subject, "a value outlives the isolate that put it, if the store does", async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    await isolate.put("key", "value", 30_000);
    await isolate.close();
    assertEquals(await other.take("key"), "value");
  });
}
