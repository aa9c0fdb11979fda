import { assert, assertEquals } from "@std/assert";
import { PresenceThrottle } from "../../packages/server/src/rooms/outbound/presence_throttle.ts";

Deno.test("in a small room nothing waits, however much changes", () => {
  const pace = new PresenceThrottle();
  for (let now = 0; now < 5; now++) {
    assertEquals(pace.waitMs(49, now), 0);
    pace.told(now);
  }
});

Deno.test("what changes at rest does not wait; what changes soon after waits for the rest of a time that grows with the room", () => {
  const pace = new PresenceThrottle();
  assertEquals(pace.waitMs(1_000, 5_000), 0);
  pace.told(5_000);
  assertEquals(pace.waitMs(1_000, 5_000), 200);
  assertEquals(pace.waitMs(1_000, 5_160), 40);
  assertEquals(pace.waitMs(1_000, 5_200), 0);
  assertEquals(pace.waitMs(200, 5_010), 30);
  assertEquals(pace.waitMs(200, 5_040), 0);
});

Deno.test("nobody waits for long, not in the largest room, nor when the clock was put back", () => {
  const pace = new PresenceThrottle();
  pace.told(5_000);
  assert(pace.waitMs(100_000, 5_000) <= 250);
  assert(pace.waitMs(100_000, 1_000) <= 250);
});
