import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { FlushScheduler } from "../../packages/server/src/rooms/outbound/flush_scheduler.ts";
import { Trace } from "../support/trace.ts";

Deno.test("each listener is called once after the tick has settled", async () => {
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

Deno.test("a listener that schedules itself repeating is called in the next tick", async () => {
  const scheduler = new FlushScheduler();
  const trace = new Trace();
  const repeating = {
    tickSettled() {
      trace.add("repeating");
      if (trace.entries.length < 5) scheduler.schedule(repeating);
    },
  };
  scheduler.schedule(repeating);
  await trace.untilCount(5);
  assertEquals(trace.entries.length, 5);
});

Deno.test("a delay replaces a pending one, be it longer or shorter", async () => {
  const scheduler = new FlushScheduler();
  const trace = new Trace();
  const startedAt = scheduler.now();
  const shortened = { delayEnded: () => trace.add("shortened") };
  const extended = { delayEnded: () => trace.add("extended") };
  scheduler.delay(shortened, 60_000);
  scheduler.delay(extended, 1);
  scheduler.delay(shortened, 1);
  scheduler.delay(extended, 50);
  await trace.untilCount(2);
  assertEquals(trace.entries, ["shortened", "extended"]);
  assertGreaterOrEqual(scheduler.now() - startedAt, 49);
});

Deno.test("a delay ends once by itself, and not after a cancel", async () => {
  const scheduler = new FlushScheduler();
  const trace = new Trace();
  const one = { delayEnded: () => trace.add("one") };
  const cancelled = { delayEnded: () => trace.add("cancelled") };
  scheduler.delay(cancelled, 0);
  scheduler.cancel(cancelled);
  scheduler.delay(cancelled, 1);
  scheduler.delay(one, 1);
  scheduler.delay(one, 1);
  scheduler.cancel(cancelled);
  await trace.untilCount(1);
  scheduler.delay(one, 1);
  await trace.untilCount(2);
  assertEquals(trace.entries, ["one", "one"]);
});
