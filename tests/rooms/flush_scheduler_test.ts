import { assertEquals } from "@std/assert";
import { FlushScheduler } from "../../packages/server/src/rooms/outbound/flush_scheduler.ts";
import { Trace } from "../../tools/support/trace.ts";

Deno.test("whoever waits is told once that the turn has ended, and not before", async () => {
  const turn = new FlushScheduler();
  const trace = new Trace();
  const one = { turnEnded: () => trace.add("one") };
  const other = { turnEnded: () => trace.add("other") };
  turn.wait(one);
  turn.wait(other);
  turn.wait(one);
  assertEquals(trace.entries, []);
  await trace.untilCount(2);
  turn.wait(other);
  await trace.untilCount(3);
  assertEquals(trace.entries, ["one", "other", "other"]);
});

Deno.test("who waits again when told waits for the next turn", async () => {
  const turn = new FlushScheduler();
  const trace = new Trace();
  const again = {
    turnEnded() {
      trace.add("again");
      if (trace.entries.length < 5) turn.wait(again);
    },
  };
  turn.wait(again);
  await trace.untilCount(5);
  assertEquals(trace.entries.length, 5);
});

Deno.test("a hold ends by itself, once, and not when it was released before", async () => {
  const turn = new FlushScheduler();
  const trace = new Trace();
  const one = { holdEnded: () => trace.add("one") };
  const released = { holdEnded: () => trace.add("released") };
  turn.hold(released, 0);
  turn.release(released);
  turn.hold(released, 1);
  turn.hold(one, 1);
  turn.hold(one, 1);
  turn.release(released);
  await trace.untilCount(1);
  turn.hold(one, 1);
  await trace.untilCount(2);
  assertEquals(trace.entries, ["one", "one"]);
});
