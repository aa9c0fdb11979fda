/** The Realtime client of supabase-js, unmodified from npm, against the endpoint. */
import { assert, assertEquals } from "@std/assert";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { StockClient } from "../support/channels/stock_client.ts";
import { stockTest } from "../support/channels/stock_test.ts";

stockTest("a broadcast reaches the other members with either serializer", async () => {
  await using server = await startChannelServer();
  await using one = new StockClient(server);
  await using old = new StockClient(server, { vsn: "1.0.0" });
  await using third = new StockClient(server);
  const sender = await one.join("room:1", { broadcast: { ack: true } });
  const v1 = await old.join("room:1", { broadcast: { ack: true } });
  const v2 = await third.join("room:1");

  assertEquals(await sender.send("Cursor", { x: 1, ü: "ö" }), "ok");
  assertEquals(await v1.untilReceived(1), [{
    type: "broadcast",
    event: "Cursor",
    payload: { x: 1, ü: "ö" },
  }]);
  assertEquals(await v2.untilReceived(1), [{
    type: "broadcast",
    event: "Cursor",
    payload: { x: 1, ü: "ö" },
  }]);
  assertEquals(await v1.send("back", { y: 2 }), "ok");
  await sender.untilReceived(1);
  assertEquals(sender.received, [{ type: "broadcast", event: "back", payload: { y: 2 } }]);
});

stockTest("bytes reach members with serializer 2.0.0, and only those", async () => {
  await using server = await startChannelServer();
  await using one = new StockClient(server);
  await using old = new StockClient(server, { vsn: "1.0.0" });
  const channel = await one.join("bytes", { broadcast: { self: true, ack: true } });
  const v1 = await old.join("bytes");
  const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at % 256);

  assertEquals(await channel.send("file", bytes.buffer), "ok");
  assertEquals(await channel.send("text", {}), "ok");
  const [file] = await channel.untilReceived(2);
  assertEquals(new Uint8Array(file?.payload as ArrayBuffer), bytes);
  await v1.untilReceived(1);
  assertEquals(v1.received.map(({ event }) => event), ["text"]);
});

stockTest("a sender gets its own broadcast with `self` only", async () => {
  await using server = await startChannelServer();
  await using client = new StockClient(server);
  const deaf = await client.join("deaf", { broadcast: { ack: true } });
  const self = await client.join("self", { broadcast: { ack: true, self: true } });
  assertEquals([await deaf.send("a", {}), await self.send("b", {})], ["ok", "ok"]);
  await self.untilReceived(1);
  assertEquals(deaf.received, []);
});

stockTest("presence: state, join, update, leave", async () => {
  await using server = await startChannelServer();
  await using alice = new StockClient(server);
  await using bob = new StockClient(server);
  const a = await alice.join("team", { presence: { key: "alice" } });
  assertEquals(await a.channel.track({ mood: "well" }), "ok");
  await a.until(() => a.presence.includes("join alice"));

  const b = await bob.join("team", { presence: { key: "bob" } });
  await b.until(() => b.presence.includes("sync"));
  assertEquals(strip(b.channel.presenceState()), { alice: [{ mood: "well" }] });
  assertEquals(await b.channel.track({ mood: "so so" }), "ok");
  await a.until(() => a.presence.includes("join bob"));
  assertEquals(await b.channel.track({ mood: "better" }), "ok");
  await a.until(() => JSON.stringify(a.channel.presenceState()).includes("better"));
  assertEquals(strip(a.channel.presenceState()), { alice: [{ mood: "well" }], bob: [{ mood: "better" }] });
  await bob.realtime.removeChannel(b.channel);
  await a.until(() => !("bob" in a.channel.presenceState()));
});

stockTest("a private channel needs the policy's permission", async () => {
  await using server = await startChannelServer({ env: { ROOM_POLICY: "claim", ROOM_CLAIM: "rooms" } });
  const token = await server.issuer.token("alice", {
    claims: { app_metadata: { rooms: { "topic:*": ["join", "history"] } } },
  });
  await using client = new StockClient(server, { accessToken: () => Promise.resolve(token) });
  await client.realtime.setAuth();
  const reader = await client.join("topic:1", { private: true, broadcast: { ack: true } });
  assertEquals(await reader.send("a", {}), "error");
  const other = client.realtime.channel("secret", { config: { private: true } });
  const { status, error } = await client.subscribe(other);
  assertEquals(status, "CHANNEL_ERROR");
  assert(
    error?.message.includes(
      "Unauthorized: You do not have permissions to read from this Channel topic: secret",
    ),
  );
  // Public channels skip the policy, and are other rooms.
  const open = await client.join("topic:2", { broadcast: { ack: true } });
  assertEquals(await open.send("a", {}), "ok");
});

stockTest("broadcasts over HTTP reach members, also those of the sender", async () => {
  await using server = await startChannelServer();
  await using client = new StockClient(server);
  const channel = await client.join("über/alles", {});
  const sender = client.realtime.channel("über/alles");
  assertEquals(await channel.channel.httpSend("greet ing", { hello: "world" }), { success: true });
  assertEquals(await channel.channel.httpSend("bytes", new Uint8Array([1, 2, 255]).buffer), {
    success: true,
  });
  const [json, bytes] = await channel.untilReceived(2);
  assertEquals([json?.event, json?.payload], ["greet ing", { hello: "world" }]);
  assertEquals(new Uint8Array(bytes?.payload as ArrayBuffer), new Uint8Array([1, 2, 255]));
  await client.realtime.removeChannel(sender);
});

stockTest("persist: stored, acked, replayed to a later member", async () => {
  await using server = await startChannelServer();
  const token = await server.issuer.token("alice");
  await using client = new StockClient(server, { accessToken: () => Promise.resolve(token) });
  await client.realtime.setAuth();
  const since = Date.now() - 1_000;
  const sender = await client.join("log", { private: true, broadcast: { ack: true } });
  for (let n = 1; n <= 40; n++) assertEquals(await sender.send("line", { n }, { persist: true }), "ok");
  assertEquals(await sender.send("line", { gone: true }), "ok");

  await using later = new StockClient(server, { accessToken: () => Promise.resolve(token) });
  await later.realtime.setAuth();
  const all = await later.join("log", { private: true, broadcast: { replay: { since } } });
  await all.untilReceived(40);
  assertEquals(all.received.map(({ payload }) => (payload as { n: number }).n), range(1, 40));
  assert(all.received.every(({ meta }) => meta?.replayed === true));
  const last = later.realtime;
  await last.removeChannel(all.channel);
  const some = await later.join("log", { private: true, broadcast: { replay: { since, limit: 3 } } });
  await some.untilReceived(3);
  assertEquals(some.received.map(({ payload }) => (payload as { n: number }).n), [38, 39, 40]);
});

stockTest("row changes are refused once and for all", async () => {
  await using server = await startChannelServer();
  await using client = new StockClient(server);
  const channel = client.realtime.channel("changes")
    .on("postgres_changes", { event: "*", schema: "public", table: "t" }, () => {});
  const statuses: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  channel.subscribe((status) => {
    statuses.push(status);
    if (status === "CLOSED" || statuses.length > 2) resolve();
  });
  await promise;
  assertEquals(statuses.includes("SUBSCRIBED"), false, statuses.join());
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** The state without references. */
function strip(state: Record<string, readonly object[]>): unknown {
  return Object.fromEntries(
    Object.entries(state).map(([key, metas]) => [key, metas.map((meta) => withoutRef(meta))]),
  );
}

function withoutRef(meta: object): object {
  return Object.fromEntries(Object.entries(meta).filter(([name]) => name !== "presence_ref"));
}
