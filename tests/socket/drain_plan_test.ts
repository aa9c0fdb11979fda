import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { deadline } from "@std/async";
import fc from "fast-check";
import { composeEngine } from "../../packages/server/src/compose/compose_engine.ts";
import { parseConfig } from "../../packages/server/src/config/parse_config.ts";
import { type DrainPlan, planDrain } from "../../packages/server/src/socket/drain_plan.ts";
import {
  ConnectionRegistry,
  type DrainableSocket,
} from "../../packages/server/src/socket/connection_registry.ts";
import type { DrainNotice } from "../../packages/server/src/socket/socket.ts";
import { RoomClient } from "../support/room_client.ts";
import { backplaneOf } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";

const PLANS: Readonly<Record<string, Omit<DrainPlan, "reconnectWithinMs">>> = {
  wall_clock: { withinMs: 8_000, heaviestFirst: false, isImmediate: false },
  SIGTERM: { withinMs: 8_000, heaviestFirst: false, isImmediate: false },
  memory: { withinMs: 1_000, heaviestFirst: true, isImmediate: false },
  cpu: { withinMs: 0, heaviestFirst: false, isImmediate: true },
  early_drop: { withinMs: 0, heaviestFirst: false, isImmediate: false },
  termination: { withinMs: 0, heaviestFirst: false, isImmediate: false },
  SIGINT: { withinMs: 0, heaviestFirst: false, isImmediate: false },
  "something new": { withinMs: 0, heaviestFirst: false, isImmediate: false },
};

for (const [reason, expected] of Object.entries(PLANS)) {
  Deno.test(`the plan for ${reason}`, () => {
    const { reconnectWithinMs: _, ...plan } = planDrain({ reason, spareMs: 8_000, sockets: 100 });
    assertEquals(plan, expected);
  });
}

Deno.test("no plan exceeds the given time, and more sockets spread their reconnects over a longer time", () => {
  const reasons = fc.constantFrom(...Object.keys(PLANS));
  const count = fc.nat(20_000);
  fc.assert(fc.property(reasons, fc.nat(600_000), count, count, (reason, spareMs, one, other) => {
    const fewer = planDrain({ reason, spareMs, sockets: Math.min(one, other) });
    const more = planDrain({ reason, spareMs, sockets: Math.max(one, other) });
    assertLessOrEqual(fewer.withinMs, spareMs);
    assertLessOrEqual(fewer.reconnectWithinMs, more.reconnectWithinMs);
    // 14.1: a client waits at most that long.
    assertLessOrEqual(more.reconnectWithinMs, 10_000);
    assertGreater(fewer.reconnectWithinMs, 0);
  }));
});

/** Creates a socket with pending bytes that records its drain. */
function heavySocket(
  bytes: number,
  drained: number[],
  notices: DrainNotice[],
  registry: () => ConnectionRegistry,
): DrainableSocket {
  const socket: DrainableSocket = {
    id: String(bytes),
    user: { id: "alice" } as DrainableSocket["user"],
    protocol: "",
    received: 0,
    isOpen: true,
    isSlow: false,
    pendingBytes: bytes,
    send: () => true,
    sendJson: () => true,
    sendError: () => true,
    drained: () => Promise.resolve(),
    close: () => {},
    drain(notice) {
      drained.push(bytes);
      notices.push(notice);
      registry().remove(socket);
    },
  };
  return socket;
}

function registryOf(
  bytes: readonly number[],
  drained: number[],
  notices: DrainNotice[] = [],
): ConnectionRegistry {
  const { log } = composeEngine(
    parseConfig((name) => name === "SUPABASE_URL" ? "http://127.0.0.1:1" : undefined),
    {
      waitUntil: undefined,
      writeLog: () => {},
    },
  );
  log.close();
  const registry: ConnectionRegistry = new ConnectionRegistry({
    id: "i",
    isShortOfMemory: () => false,
    maxConnections: 1_000,
    maxConnectionsPerUser: 1_000,
    waitUntil: undefined,
    onFirst: () => {},
    log,
    now: () => performance.now(),
    random: () => 0.5,
  });
  for (const size of bytes) registry.add(heavySocket(size, drained, notices, () => registry));
  return registry;
}

Deno.test("a memory drain closes the sockets with the most pending bytes first", async () => {
  const drained: number[] = [];
  const registry = registryOf([0, 5, 900, 0, 70], drained);
  await deadline(registry.drain("memory", 200), PATIENCE_MS);
  assertEquals(drained, [900, 70, 5, 0, 0]);
});

Deno.test("a cpu drain notifies all sockets at once, each with its reconnect delay", async () => {
  const drained: number[] = [];
  const notices: DrainNotice[] = [];
  const registry = registryOf(Array.from({ length: 500 }, () => 0), drained, notices);
  const done = registry.drain("cpu", 60_000);
  assertEquals(notices.length, 500);
  assert(notices.every(({ isImmediate, reconnectAfterMs }) => isImmediate && reconnectAfterMs === 500));
  await deadline(done, PATIENCE_MS);
});

for (const [reason, left] of [["cpu", 1], ["early_drop", 0]] as const) {
  Deno.test(`after a drain for ${reason}, ${left} of 1 presence entries is left for the backplane's close`, async () => {
    // Without a grace period, a lingering entry leaves immediately.
    await using running = await startServer({ env: { PRESENCE_GRACE_MS: "0" } });
    const backplane = backplaneOf(running);
    await using alice = await RoomClient.join(running, "r");
    await alice.request({ type: "presence", id: "p", state: {} });
    assertEquals((await backplane.present("rooms/r")).length, 1);
    await running.engine.connections.drain(reason, 0);
    assertEquals((await alice.closed()).code, 1012);
    assertEquals((await backplane.present("rooms/r")).length, left);
  });
}
