import { assert, assertEquals } from "@std/assert";
import { PresenceThrottle } from "../../packages/server/src/rooms/outbound/presence_throttle.ts";

Deno.test("in a small room no change waits, however many there are", () => {
  const throttle = new PresenceThrottle();
  for (let now = 0; now < 5; now++) {
    assertEquals(throttle.waitMs(49, now), 0);
    throttle.broadcast(now);
  }
});

Deno.test("the first change does not wait, and later ones wait for the rest of a time that grows with the room", () => {
  const throttle = new PresenceThrottle();
  assertEquals(throttle.waitMs(1_000, 5_000), 0);
  throttle.broadcast(5_000);
  assertEquals(throttle.waitMs(1_000, 5_000), 200);
  assertEquals(throttle.waitMs(1_000, 5_160), 40);
  assertEquals(throttle.waitMs(1_000, 5_200), 0);
  assertEquals(throttle.waitMs(200, 5_010), 30);
  assertEquals(throttle.waitMs(200, 5_040), 0);
});

Deno.test("the delay is limited, even in the largest room and after the clock was set back", () => {
  const throttle = new PresenceThrottle();
  throttle.broadcast(5_000);
  assert(throttle.waitMs(100_000, 5_000) <= 250);
  assert(throttle.waitMs(100_000, 1_000) <= 250);
});
