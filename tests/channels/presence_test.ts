/** Presence of channels over reconnects, keys, and limits. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { TcpProxy } from "../isolates/tcp_proxy.ts";
import type { RunningServer } from "../support/running_server.ts";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { type Frame, PhoenixClient } from "../support/channels/phoenix_client.ts";
import { Trace } from "../support/trace.ts";
import { StockClient } from "../support/channels/stock_client.ts";
import { stockTest } from "../support/channels/stock_test.ts";

const TOPIC = "realtime:room";
const OK = { status: "ok", response: {} };
const PRESENT = { presence: { key: "alice", enabled: true } };

/** A viewer that has read its empty state. */
async function startViewer(
  server: RunningServer,
  state: Record<string, unknown> = {},
): Promise<PhoenixClient> {
  const viewer = await PhoenixClient.connect(server);
  const ref = await viewer.joined(TOPIC, { presence: { key: "viewer", enabled: true } });
  assertEquals(await viewer.next(), [ref, null, TOPIC, "presence_state", state]);
  return viewer;
}

/** Joins as alice, tracks a payload, and reads everything up to the answer. */
async function track(client: PhoenixClient, payload: unknown): Promise<void> {
  const ref = await client.joined(TOPIC, PRESENT);
  const push = client.push(ref, TOPIC, "presence", { type: "presence", event: "track", payload });
  for (let frame = await client.next(); frame[1] !== push; frame = await client.next());
}

function metasOf(frame: Frame, side: "joins" | "leaves", key: string): Record<string, unknown>[] {
  const members = frame[4][side] as Record<string, { metas: Record<string, unknown>[] }>;
  return members[key]?.metas ?? [];
}

Deno.test("a lost member that tracks the same again is seen neither to leave nor to join", async () => {
  await using server = await startChannelServer();
  await using viewer = await startViewer(server);
  const lost = await PhoenixClient.connect(server);
  await track(lost, { mood: "well" });
  const joined = await viewer.next();
  const [meta] = metasOf(joined, "joins", "alice");
  lost.drop();
  await lost.closed();

  await using back = await PhoenixClient.connect(server);
  await track(back, { mood: "well" });
  await viewer.silence();
  // A later viewer sees the same reference.
  await using later = await startViewer(server, {
    alice: { metas: [{ mood: "well", phx_ref: meta?.["phx_ref"] }] },
  });
  await later.silence();
});

Deno.test("a lost member that tracks something else is one update", async () => {
  await using server = await startChannelServer();
  await using viewer = await startViewer(server);
  const lost = await PhoenixClient.connect(server);
  await track(lost, { mood: "well" });
  const [old] = metasOf(await viewer.next(), "joins", "alice");
  lost.drop();
  await using back = await PhoenixClient.connect(server);
  await track(back, { mood: "better" });
  const update = await viewer.next();
  const [fresh] = metasOf(update, "joins", "alice");
  assertEquals([fresh?.["mood"], fresh?.["phx_ref_prev"]], ["better", old?.["phx_ref"]]);
  assertNotEquals(fresh?.["phx_ref"], old?.["phx_ref"]);
  assertEquals(metasOf(update, "leaves", "alice"), [old ?? {}]);
});

Deno.test("a lost member leaves after the grace period", async () => {
  await using server = await startChannelServer({ env: { PRESENCE_GRACE_MS: "300" } });
  await using viewer = await startViewer(server);
  const lost = await PhoenixClient.connect(server);
  await track(lost, { a: 1 });
  await viewer.next();
  lost.drop();
  assertEquals(metasOf(await viewer.next(), "leaves", "alice").length, 1);
});

Deno.test("the same payload again is no change, untrack is a leave, and a second channel has a meta of its own", async () => {
  await using server = await startChannelServer();
  await using viewer = await startViewer(server);
  await using one = await PhoenixClient.connect(server);
  await track(one, { tab: 1 });
  await viewer.next();
  await using two = await PhoenixClient.connect(server);
  await track(two, { tab: 2 });
  assertEquals(metasOf(await viewer.next(), "joins", "alice").map(({ tab }) => tab), [2]);
  const again = two.push("1", TOPIC, "presence", { type: "presence", event: "track", payload: { tab: 2 } });
  // The change that its first track made comes before.
  let frame = await two.next();
  while (frame[1] !== again) frame = await two.next();
  assertEquals(frame, ["1", again, TOPIC, "phx_reply", OK]);
  await viewer.silence();
  two.push("1", TOPIC, "presence", { type: "presence", event: "untrack" });
  assertEquals(metasOf(await viewer.next(), "leaves", "alice").map(({ tab }) => tab), [2]);
});

Deno.test("a public key's holders do not end each other's presence", async () => {
  await using server = await startChannelServer();
  await using viewer = await startViewer(server);
  const alice = await PhoenixClient.connect(server);
  await track(alice, { a: 1 });
  await viewer.next();
  alice.drop();
  await using bob = await PhoenixClient.connect(server);
  const ref = await bob.joined(TOPIC, { presence: { key: "bob", enabled: true } });
  bob.push(ref, TOPIC, "presence", { type: "presence", event: "track", payload: { b: 1 } });
  const diff = await viewer.next();
  assertEquals([metasOf(diff, "joins", "bob").length, metasOf(diff, "leaves", "alice").length], [1, 0]);
});

Deno.test("what cannot be tracked is answered, and changes nothing", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const ref = await client.joined(TOPIC, { presence: { key: "k", enabled: false } });
  const push = (payload: unknown, event = "track") =>
    client.push(ref, TOPIC, "presence", { type: "presence", event, payload });
  push("text");
  assertEquals((await client.next())[4]["response"], { reason: "Presence track payload must be a map" });
  push({ text: "x".repeat(5_000) });
  assertEquals((await client.next())[4]["status"], "error");
  push({}, "dance");
  assertEquals((await client.next())[4], { status: "error", response: {} });
  // It works where presence was not wanted: no state and no changes come.
  push({ a: 1 });
  assertEquals((await client.next())[4], OK);
  await using viewer = await PhoenixClient.connect(server);
  await viewer.joined(TOPIC, PRESENT);
  assertEquals(Object.keys((await viewer.next())[4]), ["k"]);
});

stockTest("a stock client comes back after a cut: no other member sees it leave", async () => {
  await using server = await startChannelServer();
  await using proxy = TcpProxy.open(server.port);
  await using alice = new StockClient(proxy);
  await using bob = new StockClient(server);
  const channel = alice.realtime.channel("team", { config: { presence: { key: "alice" } } });
  const tracked = new Trace();
  channel.on("presence", { event: "sync" }, () => {}).subscribe((status) => {
    // As applications do: once more after each reconnect.
    if (status === "SUBSCRIBED") void channel.track({ mood: "well" }).then((answer) => tracked.add(answer));
  });
  await tracked.until("ok");
  const watched = await bob.join("team", { presence: { key: "bob" } });
  await watched.until(() => "alice" in watched.channel.presenceState());
  proxy.cut();
  await tracked.until("ok", 2);
  assertEquals(await watched.channel.track({}), "ok");
  await watched.until(() => watched.presence.includes("join bob"));
  assertEquals(watched.presence.filter((event) => event.endsWith("alice")), ["join alice"]);
});
