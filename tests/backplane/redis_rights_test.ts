/** Tests that a Redis which refuses what rooms need is not ready, and that retries go on. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { SCRIPTS } from "../../packages/server/src/backplane/redis/prepare_connection.ts";
import type {
  RedisBackplane,
  RedisOptions,
} from "../../packages/server/src/backplane/redis/redis_backplane.ts";
import { PROBE } from "../../packages/server/src/backplane/redis/scripts/probe.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisCluster } from "../support/servers/redis_cluster.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { TcpProxy } from "../isolates/tcp_proxy.ts";
import { Listener } from "./listener.ts";
import { RedisTestWorld } from "./redis_world.ts";
import { draft, entry, ephemeral } from "./samples.ts";

const PREFIX = "realtime:";
const FAST: Partial<RedisOptions> = { retryMs: 100, waitMs: 200, prefix: PREFIX };

/** Registers a test with its own server. */
function rightsTest(
  statement: string,
  run: (server: RedisProcess) => Promise<void>,
  settings: readonly string[] = [],
): void {
  Deno.test({
    name: `redis rights: ${statement}`,
    ignore: isWithoutRedis,
    fn: async () => {
      await using server = await RedisProcess.start({ settings });
      await run(server);
    },
  });
}

/** Reads the ACL line of docs/deploy.md. */
async function documentedRules(): Promise<string[]> {
  const docs = await Deno.readTextFile(new URL("../../docs/deploy.md", import.meta.url));
  const [, name, rules] = /^ACL SETUSER (\S+) ((?:.*\\\n)*.*)$/m.exec(docs) ?? [];
  assert(name === "realtime" && rules !== undefined);
  return rules.replaceAll("\\\n", " ").split(/\s+/).map((rule) => rule.replace("PASSWORD", "secret"));
}

async function grant(server: RedisProcess, ...rules: readonly string[]): Promise<void> {
  assertEquals(await server.command("ACL", "SETUSER", "realtime", ...rules), "OK");
}

function urlOf({ port }: RedisProcess): string {
  return `redis://realtime:secret@127.0.0.1:${port}`;
}

/** Asserts that rooms and tickets work, with everything that they do. */
async function assertRoomsWork(isolate: RedisBackplane): Promise<void> {
  await isolate.ready();
  const listener = await Listener.open(isolate, "r");
  await isolate.enter("r", entry("alice1"));
  await isolate.linger("r", "alice1", 60_000);
  await isolate.resume("r", { user: "alice", connection: "alice2" });
  await isolate.emit("r", ephemeral("e"));
  const stored = await isolate.publish("r", [draft("m")]);
  await listener.untilId("m");
  const { messages } = await isolate.history("r", { before: 1_000_000, limit: 1 });
  assertEquals(messages.map(({ offset }) => offset), stored.map(({ offset }) => offset));
  assertEquals(await isolate.present("r"), [entry("alice2")]);
  await isolate.put("key", "value", 60_000);
  assertEquals(await isolate.take("key"), "value");
  await isolate.leave("r", "alice2");
  listener.subscription.close();
}

/** Waits for a lost connection whose reason matches. */
async function untilLost(world: RedisTestWorld, reason: RegExp): Promise<void> {
  const reasons = () =>
    Promise.resolve(world.events.flatMap((event) => event.type === "lost" ? [String(event.error)] : []));
  await eventually(reasons, (all) => all.some((text) => reason.test(text)));
}

rightsTest("rooms work with the ACL of docs/deploy.md", async (server) => {
  await grant(server, ...await documentedRules());
  await using world = new RedisTestWorld({ url: urlOf(server) }, [server], FAST);
  await assertRoomsWork(await world.open());
  assertEquals(world.events.filter(({ type }) => type !== "connected"), []);
});

Deno.test({
  name: "redis rights: rooms of a cluster work with the ACL of docs/deploy.md",
  ignore: isWithoutRedis,
  fn: async () => {
    await using cluster = await RedisCluster.start();
    for (const node of cluster.nodes) await grant(node, ...await documentedRules());
    await using world = new RedisTestWorld({ cluster: cluster.nodes.map(urlOf) }, cluster.nodes, FAST);
    await assertRoomsWork(await world.open());
    assertEquals(world.events.filter(({ type }) => type !== "connected"), []);
  },
});

for (
  const { lack, rules, missing, granted } of [
    {
      lack: "channels",
      rules: ["resetchannels"],
      missing: /SSUBSCRIBE.*NOPERM.*docs\/deploy\.md/,
      granted: ["&*"],
    },
    { lack: "writes", rules: ["-@write"], missing: /EVALSHA.*docs\/deploy\.md/, granted: ["+@all"] },
    { lack: "keys", rules: ["resetkeys", "%R~*"], missing: /EVALSHA.*docs\/deploy\.md/, granted: ["~*"] },
    { lack: "INFO", rules: ["-info"], missing: /INFO.*NOPERM.*docs\/deploy\.md/, granted: ["+info"] },
    { lack: "scripts", rules: ["-evalsha"], missing: /EVALSHA.*docs\/deploy\.md/, granted: ["+evalsha"] },
  ]
) {
  rightsTest(`a user without ${lack} is not ready, and is once it has the right`, async (server) => {
    await grant(server, "on", ">secret", "~*", "&*", "+@all", ...rules);
    await using world = new RedisTestWorld({ url: urlOf(server) }, [server], FAST);
    const opening = world.open();
    await assertRejects(() => opening, BackplaneUnavailable);
    await untilLost(world, missing);
    await grant(server, ...granted);
    const [isolate] = world.isolates;
    assert(isolate);
    await eventually(() => isolate.ready().then(() => true, () => false), (isReady) => isReady);
    await assertRoomsWork(isolate);
  });
}

for (const command of ["SSUBSCRIBE", "SPUBLISH", "EVALSHA", "SCRIPT", "HSETNX", "INFO"]) {
  rightsTest(`a server without the command ${command} is not ready`, async (server) => {
    await using world = new RedisTestWorld({ url: server.url }, [server], FAST);
    await assertRejects(() => world.open(), BackplaneUnavailable);
    await untilLost(world, /which rooms need: .*unknown.* command.*docs\/deploy\.md/i);
  }, ["--rename-command", command, ""]);
}

rightsTest("a right that is taken away makes the server not ready until it is back", async (server) => {
  await grant(server, "on", ">secret", "~*", "&*", "+@all");
  await using world = new RedisTestWorld({ url: urlOf(server) }, [server], FAST);
  const isolate = await world.open();
  await isolate.publish("r", [draft("m1")]);
  await grant(server, "-hset");
  await assertRejects(() => isolate.publish("r", [draft("m2")]), BackplaneUnavailable);
  await untilLost(world, /EVALSHA.*docs\/deploy\.md/);
  await assertRejects(() => isolate.ready(), BackplaneUnavailable);
  await grant(server, "+hset");
  await eventually(() => isolate.ready().then(() => true, () => false), (isReady) => isReady);
  assertEquals(await isolate.publish("r", [draft("m3")]), [{ offset: 2, duplicate: false }]);
});

rightsTest("a server that is busy while a connection is prepared is tried again", async (server) => {
  await using proxy = TcpProxy.open(server.port);
  await using world = new RedisTestWorld({ url: `redis://127.0.0.1:${proxy.port}` }, [server], FAST);
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await server.command("CONFIG", "SET", "busy-reply-threshold", "10");
  const looping = server.command("EVAL", "while true do end", "0").catch(() => {/* killed below */});
  const isBusy = () => server.command("PING").then((text) => text.includes("BUSY"), () => true);
  await eventually(isBusy, (busy) => busy);
  proxy.cut();
  await untilLost(world, /BUSY/);
  await server.command("SCRIPT", "KILL");
  await looping;
  await eventually(() => isolate.ready().then(() => true, () => false), (isReady) => isReady);
  await isolate.publish("r", [draft("m")]);
  await listener.untilId("m");
});

rightsTest("a server that has lost its master is tried again", async (server) => {
  await using world = new RedisTestWorld({ url: server.url }, [server], FAST);
  const isolate = await world.open();
  await server.command("CONFIG", "SET", "replica-serve-stale-data", "no");
  await server.command("REPLICAOF", "127.0.0.1", "1");
  await server.command("CLIENT", "KILL", "TYPE", "normal");
  await untilLost(world, /MASTERDOWN/);
  await server.command("REPLICAOF", "NO", "ONE");
  await eventually(() => isolate.ready().then(() => true, () => false), (isReady) => isReady);
  assertEquals(await isolate.publish("r", [draft("m")]), [{ offset: 1, duplicate: false }]);
});

Deno.test("redis rights: the probe tries every command of the scripts", () => {
  const commandsOf = (script: string) =>
    new Set(Array.from(script.matchAll(/redis\.call\('([A-Z]+)'/g), ([, name]) => name ?? ""));
  const used = new Set(Object.values(SCRIPTS).flatMap((script) => [...commandsOf(script)]));
  assertEquals([...used.symmetricDifference(commandsOf(PROBE))], []);
});
