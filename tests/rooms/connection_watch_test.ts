import { assert, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { userFromClaims } from "../../packages/server/src/auth/user.ts";
import { ConnectionWatch } from "../../packages/server/src/rooms/connection_watch.ts";
import type { Socket } from "../../packages/server/src/socket/socket.ts";
import { ManualWheel, TICK_MS } from "../socket/manual_wheel.ts";

const HEARTBEAT_MS = 10 * TICK_MS;

/** Socket of a plain client that says nothing, with the times of what it is sent. */
function silentSocket(now: () => number): { readonly socket: Socket; readonly sentAt: number[] } {
  const user = userFromClaims({ sub: "alice", exp: 2_000_000_000 });
  assert(user);
  const sentAt: number[] = [];
  const send = () => sentAt.push(now()) > 0;
  const socket: Socket = {
    id: "s-1",
    user,
    protocol: "",
    isOpen: true,
    received: 0,
    isSlow: false,
    send,
    drained: () => Promise.resolve(),
    sendJson: send,
    sendError: send,
    close: () => {},
  };
  return { socket, sentAt };
}

/** Watches members that join one after the other, and returns when each is sent a heartbeat. */
function heartbeatsOf(joinsAfterMs: readonly number[], forMs: number): number[][] {
  using manual = new ManualWheel();
  const { wheel } = manual;
  const members = joinsAfterMs.map((afterMs) => {
    manual.tickThrough(afterMs);
    const { socket, sentAt } = silentSocket(() => manual.now);
    const watch = new ConnectionWatch(socket, {
      wheel,
      sessions: undefined,
      wallNow: () => 0,
      heartbeatMs: HEARTBEAT_MS,
      expiryWarningMs: 0,
      expiryGraceMs: 0,
    });
    const reply = (text: string) => watch.send(text);
    watch.start({ reply, error: () => {}, flush: () => {}, close: () => {}, checkSilent: () => {} });
    watch.ready();
    return { watch, sentAt, joinedAt: manual.now };
  });
  manual.tickThrough(forMs);
  for (const { watch } of members) watch.stop();
  return members.map(({ sentAt, joinedAt }) => [joinedAt, ...sentAt]);
}

Deno.test("heartbeats of members that joined at any time come in time, and at few common moments", () => {
  const joins = fc.array(fc.integer({ min: 0, max: HEARTBEAT_MS }), { minLength: 1, maxLength: 30 });
  fc.assert(fc.property(joins, (joinsAfterMs) => {
    const forMs = 10 * HEARTBEAT_MS;
    const beats = heartbeatsOf(joinsAfterMs, forMs);
    for (const times of beats) {
      for (const [at, time] of times.entries()) {
        assertLessOrEqual(time - (times[at - 1] ?? time), HEARTBEAT_MS);
      }
    }
    const lastJoinAt = Math.max(...beats.map(([joinedAt = 0]) => joinedAt));
    const moments = new Set(
      beats.flatMap((times) => times.filter((time) => time > lastJoinAt + HEARTBEAT_MS)),
    );
    // Members that are sent something half an interval apart keep to every second moment.
    assertLessOrEqual(moments.size, forMs / HEARTBEAT_MS / 0.35);
    assert(beats.every((times) => times.length > 10), "a member got too few heartbeats");
  }));
});
