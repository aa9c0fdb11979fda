/** Tests subscriptions and publishes while Redis or the network fails. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { BackplaneUnavailable, type Stored } from "../../packages/server/src/backplane/contract.ts";
import { createNodes } from "../../packages/server/src/backplane/redis/nodes.ts";
import { withDefaults } from "../../packages/server/src/backplane/redis/redis_options.ts";
import type { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { Listener } from "./listener.ts";
import { ALL, failureTest, FAST_RETRY, publishWithRetry } from "./redis_failure.ts";
import { RedisTestWorld } from "./redis_world.ts";
import { draft, drafts, entry, ephemeral, range } from "./samples.ts";
import { USUAL } from "./world.ts";

/**
 * Disconnects all subscribers, and keeps them disconnected while `act` runs on other connections.
 */
async function whileDisconnected(server: RedisProcess, act: () => Promise<void>): Promise<void> {
  await server.command("CONFIG", "SET", "requirepass", "closed");
  const admin = ["-a", "closed", "--no-auth-warning"];
  await server.command(...admin, "CLIENT", "KILL", "TYPE", "pubsub");
  await act();
  await server.command(...admin, "CONFIG", "SET", "requirepass", "");
}

failureTest(
  "connections that are cut during publishes of two isolates lose and repeat no message",
  async (world, server) => {
    const isolates = [await world.open(), await world.open()];
    const listeners = await Promise.all(
      [...isolates, await world.open()].map((one) => Listener.open(one, "r")),
    );
    let isDone = false;
    const cutting = (async () => {
      while (!isDone) {
        await server.command("CLIENT", "KILL", "TYPE", "pubsub");
        // A connection tries its rights before it is used; cuts must leave time for that.
        await delay(200);
      }
    })();
    cutting.catch(() => {/* the publishes that failed first are the reason */});
    const stored = await Promise.all(isolates.map(async (isolate, index) => {
      const results: Stored[] = [];
      for (const number of range(1, 60)) {
        results.push(await publishWithRetry(isolate, draft(`${index}-${number}`)));
      }
      return results;
    }));
    isDone = true;
    await cutting;
    assertEquals(stored.flat().map(({ offset }) => offset).sort((a, b) => a - b), range(1, 120));
    const { messages } = await (await world.open()).history("r", ALL);
    for (const listener of listeners) {
      await listener.untilOffset(120);
      assertEquals(listener.messages, messages);
    }
  },
);

failureTest(
  "after a reconnect missed messages are read, and presence changes are delivered as a diff",
  async (world, server) => {
    const isolate = await world.open();
    const other = await world.open();
    for (const name of ["alice1", "bob1", "carol1"]) await other.enter("r", entry(name));
    const listener = await Listener.open(isolate, "r");
    await whileDisconnected(server, async () => {
      await other.publish("r", drafts("m", 5));
      await other.enter("r", entry("bob1", '{"a":1}'));
      await other.leave("r", "carol1");
      await other.enter("r", entry("dave1"));
      await other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
    });
    await listener.untilOffset(5);
    await listener.untilChanges(4);
    assertEquals(listener.present, [entry("alice2"), entry("bob1", '{"a":1}'), entry("dave1")]);
    assert(listener.changes.some((change) => change.type === "updated" && change.previous === "alice1"));
  },
);

failureTest(
  "messages that were trimmed during a disconnect are delivered as a gap",
  async (world, server) => {
    const isolate = await world.open();
    const other = await world.open();
    const listener = await Listener.open(isolate, "r");
    await other.publish("r", drafts("before", 2));
    await listener.untilOffset(2);
    await whileDisconnected(server, async () => void await other.publish("r", drafts("away", 10)));
    await listener.untilOffset(12);
    assertEquals(listener.events.filter(({ type }) => type === "gap"), [{ type: "gap", from: 3, to: 8 }]);
    assertEquals(listener.offsets, [1, 2, 9, 10, 11, 12]);
  },
  { retention: { ...USUAL.retention, messages: 4 } },
);

failureTest(
  "while the server is down calls reject in time, and subscriptions stay",
  async (world, server) => {
    const isolate = await world.open({ waitMs: 100 });
    const listener = await Listener.open(isolate, "r");
    await server.stop();
    const begun = performance.now();
    await assertRejects(() => isolate.publish("r", [draft("m")]), BackplaneUnavailable);
    await assertRejects(() => isolate.emit("r", ephemeral("m")), BackplaneUnavailable);
    await assertRejects(() => isolate.enter("r", entry("alice1")), BackplaneUnavailable);
    await assertRejects(() => isolate.subscribe("r2", () => {}), BackplaneUnavailable);
    await assertRejects(() => isolate.history("r", ALL), BackplaneUnavailable);
    await assertRejects(() => isolate.ready(), BackplaneUnavailable);
    assert(performance.now() - begun < 4_000);
    assertEquals(listener.events, []);
  },
);

failureTest("scripts run after SCRIPT FLUSH", async (world, server) => {
  const isolate = await world.open();
  await server.command("SCRIPT", "FLUSH");
  assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: false }]);
  assertEquals(await isolate.present("r"), []);
});

failureTest(
  "a backlog of 10,000 messages is read in order after a reconnect",
  async (world, server) => {
    const isolate = await world.open();
    const other = await world.open();
    const listener = await Listener.open(isolate, "r");
    await whileDisconnected(server, async () => {
      for (const batch of range(1, 20)) await other.publish("r", drafts(`${batch}-`, 500));
    });
    await listener.untilOffset(10_000);
    assertEquals(listener.offsets, range(1, 10_000));
  },
  { retention: { ...USUAL.retention, messages: 20_000 } },
);

failureTest("concurrent publishes of three isolates have one order in all isolates", async (world) => {
  const isolates = [await world.open(), await world.open(), await world.open()];
  const listeners = await Promise.all(isolates.map((isolate) => Listener.open(isolate, "r")));
  await Promise.all(
    isolates.flatMap((isolate, index) =>
      range(1, 200).map((number) => isolate.publish("r", drafts(`${index}-${number}-`, 3)))
    ),
  );
  const [first] = listeners;
  assert(first);
  for (const listener of listeners) {
    await listener.untilOffset(1_800);
    assertEquals(listener.offsets, range(1, 1_800));
    assertEquals(listener.ids, first.ids);
  }
}, { retention: { ...USUAL.retention, messages: 20_000 } });

failureTest(
  "a retry in another isolate is recognized after the first isolate died",
  async (world, server) => {
    const isolate = await world.open();
    const other = await world.open();
    await isolate.publish("r", [draft("m")]);
    await server.command("CLIENT", "KILL", "TYPE", "normal");
    await world.kill(isolate);
    assertEquals(await publishWithRetry(other, draft("m")), { offset: 1, duplicate: true });
  },
);

failureTest(
  "entries of a dead isolate leave once after lease and grace period, though two isolates sweep",
  async (world) => {
    const timing = { leaseMs: 300, graceMs: 300, sweepMs: 20 };
    const isolate = await world.open(timing);
    const others = [await world.open(timing), await world.open(timing)];
    const listeners = await Promise.all(others.map((other) => Listener.open(other, "r")));
    await isolate.enter("r", entry("alice1"));
    await others[0]?.enter("r", entry("bob1"));
    await isolate.abandon();
    for (const listener of listeners) {
      await listener.untilChanges(3);
      assertEquals(listener.changes.map(({ type, entry }) => `${entry.connection} ${type}`), [
        "alice1 joined",
        "bob1 joined",
        "alice1 left",
      ]);
    }
    await others[1]?.enter("r", entry("marker1"));
    for (const listener of listeners) {
      await listener.untilJoined("marker1");
      assertEquals(listener.changes.length, 4);
    }
  },
);

failureTest("an isolate whose lease ended by mistake enters its connections again", async (world, server) => {
  const timing = { sweepMs: 1_000_000 };
  const isolate = await world.open(timing);
  const listener = await Listener.open(isolate, "r");
  await isolate.enter("r", entry("alice1", '{"a":1}'));
  const [leases] = (await server.command("KEYS", `${world.prefix}*:leases`)).split("\n");
  await server.command("ZADD", leases ?? "", "1", isolate.isolate);
  const other = await world.open(timing);
  await other.present("r");
  await listener.untilChanges(2);
  await isolate.sweep();
  await listener.untilChanges(3);
  const changes = listener.changes.map(({ type, entry }) => `${entry.connection} ${type}`);
  assertEquals(changes, ["alice1 joined", "alice1 left", "alice1 joined"]);
  assertEquals(await other.present("r"), [entry("alice1", '{"a":1}')]);
});

failureTest(
  "a stopped server process counts as unreachable, and no message is lost",
  async (world, server) => {
    const isolate = await world.open({ commandMs: 300, pingMs: 200, waitMs: 100 });
    const listener = await Listener.open(isolate, "r");
    server.signal("SIGSTOP");
    await assertRejects(() => isolate.publish("r", [draft("m")]), BackplaneUnavailable);
    server.signal("SIGCONT");
    // The server may have stored the message that was sent before it stopped.
    const { offset } = await publishWithRetry(isolate, draft("m"));
    assertEquals(offset, 1);
    await publishWithRetry(isolate, draft("marker"));
    await listener.untilId("marker");
    assertEquals(listener.ids, ["m", "marker"]);
  },
);

failureTest("a slow server delays calls and breaks no connection", async (world, server) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await server.command("CLIENT", "PAUSE", "300", "ALL");
  const stored = await Promise.all(range(1, 50).map((number) => isolate.publish("r", [draft(`${number}`)])));
  assertEquals(stored.flat().map(({ offset }) => offset), range(1, 50));
  await listener.untilOffset(50);
  assertEquals(listener.offsets, range(1, 50));
  assertEquals(world.events.filter(({ type }) => type !== "connected"), []);
});

failureTest("publishes beyond the queue limit are rejected", async (world, server) => {
  const isolate = await world.open({ maxWaiting: 10 });
  await server.command("CLIENT", "PAUSE", "200", "ALL");
  const first = isolate.publish("r", drafts("m", 8));
  await assertRejects(() => isolate.publish("r", drafts("more", 3)), BackplaneUnavailable);
  assertEquals((await first).length, 8);
});

failureTest("an isolate that starts before the server waits for it", async (_, server) => {
  await server.stop();
  await using world = new RedisTestWorld({ url: server.url }, [server], FAST_RETRY);
  const opening = world.open({ waitMs: 5_000 });
  await server.startAgain();
  await (await opening).publish("r", [draft("m")]);
});

Deno.test("redis failures: an invalid URL is rejected, and the error contains no password", () => {
  for (const url of ["", "http://u:secret@h", "u:secret@h", "redis//u:secret@h"]) {
    for (const place of [{ url }, { cluster: [url] }, { cluster: [] }]) {
      const error = assertThrows(
        () => createNodes(withDefaults({ ...BASE_OPTIONS, place }), NO_LISTENER),
        TypeError,
      );
      assert(!error.message.includes("secret"));
    }
  }
});

const BASE_OPTIONS = { ...USUAL, onDeliverError: () => {}, onEvent: () => {} };
const NO_LISTENER = { onUp: () => {}, onDown: () => {}, onMessage: () => {}, onMoved: () => {} };
