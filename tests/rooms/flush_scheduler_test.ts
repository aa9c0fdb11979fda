import { assertEquals } from "@std/assert";
import { FlushScheduler } from "../../packages/server/src/rooms/outbound/flush_scheduler.ts";
import { Trace } from "../../tools/support/trace.ts";

Deno.test("whoever waits is told once that the turn has ended, and not before", async () => {
  const scheduler = new FlushScheduler();
  const trace = new Trace();
  const one = { tickSettled: () => trace.add("one") };
  const other = { tickSettled: () => trace.add("other") };
  scheduler.schedule(one);
  scheduler.schedule(other);
  scheduler.schedule(one);
  assertEquals(trace.entries, []);
  await trace.untilCount(2);
  scheduler.schedule(other);
  await trace.untilCount(3);
  assertEquals(trace.entries, ["one", "other", "other"]);
});

Deno.test("who waits again when told waits for the next turn", async () => {
  const scheduler = new FlushScheduler();
  const trace = new Trace();
  const again = {
    tickSettled() {
      trace.add("again");
      if (trace.entries.length < 5) scheduler.schedule(again);
    },
  };
  scheduler.schedule(again);
  await trace.untilCount(5);
  assertEquals(trace.entries.length, 5);
});

Deno.test("a hold ends by itself, once, and not when it was released before", async () => {
  const scheduler = new FlushScheduler();
  const trace = new Trace();
  const one = { delayEnded: () => trace.add("one") };
  const released = { delayEnded: () => trace.add("released") };
  scheduler.delay(released, 0);
  scheduler.cancel(released);
  scheduler.delay(released, 1);
  scheduler.delay(one, 1);
  scheduler.delay(one, 1);
  scheduler.cancel(released);
  await trace.untilCount(1);
  scheduler.delay(one, 1);
  await trace.untilCount(2);
  assertEquals(trace.entries, ["one", "one"]);
});
