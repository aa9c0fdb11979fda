/** Joins, leaves and errors of channels, frame by frame. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { PhoenixClient } from "../support/channels/phoenix_client.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const TOPIC = "realtime:room";
const OK = { status: "ok", response: {} };

Deno.test("a second join of a topic replaces the first: close, then the answer", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const first = await client.joined(TOPIC);
  const second = client.join(TOPIC);
  assertEquals(await client.next(), [first, first, TOPIC, "phx_close", {}]);
  assertEquals((await client.next()).slice(0, 4), [second, second, TOPIC, "phx_reply"]);
  // A leave of the first join must not end the second.
  client.push(first, TOPIC, "phx_leave");
  await client.silence();
  const leave = client.push(second, TOPIC, "phx_leave");
  assertEquals(await client.next(), [second, leave, TOPIC, "phx_reply", OK]);
  assertEquals(await client.next(), [second, second, TOPIC, "phx_close", {}]);
});

Deno.test("two joins at once, as after a failed connection: one channel is left", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const first = client.join(TOPIC);
  const second = client.join(TOPIC);
  const frames = [await client.next()];
  while (frames.at(-1)?.[0] !== second) frames.push(await client.next());
  // The first join may have been answered by then.
  assertEquals(frames.at(-2), [first, first, TOPIC, "phx_close", {}]);
  assertEquals(frames.at(-1)?.slice(0, 4), [second, second, TOPIC, "phx_reply"]);
  await client.silence();
});

Deno.test("a leave and a join of the same topic in the next frame", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const first = await client.joined(TOPIC, { presence: { key: "a", enabled: true } });
  assertEquals((await client.next())[3], "presence_state");
  const leave = client.push(first, TOPIC, "phx_leave");
  const second = client.join(TOPIC);
  assertEquals(await client.next(), [first, leave, TOPIC, "phx_reply", OK]);
  assertEquals(await client.next(), [first, first, TOPIC, "phx_close", {}]);
  assertEquals((await client.next()).slice(0, 2), [second, second]);
});

Deno.test("heartbeats, unknown topics, unknown events", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  await client.silence();
  const push = client.push("1", "realtime:nowhere", "presence", {});
  assertEquals(await client.next(), [null, push, "realtime:nowhere", "phx_reply", {
    status: "error",
    response: { reason: "unmatched topic" },
  }]);
  const leave = client.push("1", "realtime:nowhere", "phx_leave");
  assertEquals(await client.next(), ["1", leave, "realtime:nowhere", "phx_reply", OK]);
  const other = client.join("elsewhere");
  assertEquals((await client.next())[4], { status: "error", response: { reason: "unmatched topic" } });
  assert(other);
  const joinRef = await client.joined(TOPIC);
  client.push(joinRef, TOPIC, "whatever", {});
  await client.silence();
});

Deno.test("frames that cannot be read are logged without their text, and the socket stays", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  for (const frame of ["{", "[]", "null", '{"topic":"t"}', "[1,2,3,4,5]", "secret words"]) client.send(frame);
  client.send(new Uint8Array([9, 9, 9]).buffer);
  client.send(new Uint8Array([3, 200]).buffer);
  await client.silence();
  const lines = await server.logged("channels.unreadable_frame", 8);
  assert(!JSON.stringify(lines).includes("secret"));
});

Deno.test("a config of odd parts: what can be read counts", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const config = {
    broadcast: { self: "TRUE", ack: "true", replay: null },
    presence: { key: 7, enabled: "true" },
    private: "false",
    postgres_changes: "none",
  };
  const ref = await client.joined(TOPIC, config);
  assertEquals(await client.next(), [ref, null, TOPIC, "presence_state", {}]);
  const track = client.push(ref, TOPIC, "presence", { type: "presence", event: "TRACK", payload: { a: 1 } });
  const frames = [await client.next(), await client.next()];
  assertEquals(frames.find(([, , , event]) => event === "phx_reply"), [ref, track, TOPIC, "phx_reply", OK]);
  const diff = frames.find(([, , , event]) => event === "presence_diff");
  assertEquals(Object.keys((diff?.[4]["joins"]) as object), ["7"]);
  await client.joined("realtime:other", 42);
});

/** Asserts the reason of a refused join, and that it comes late but in time. */
async function assertRefused(
  client: PhoenixClient,
  topic: string,
  config: unknown,
  reason: string,
): Promise<void> {
  const startedAt = performance.now();
  const ref = client.join(topic, config);
  assertEquals(await client.next(), [ref, ref, topic, "phx_reply", {
    status: "error",
    response: { reason },
  }]);
  const waited = performance.now() - startedAt;
  assertGreater(waited, 900);
  assertLess(waited, 5_000);
}

Deno.test("joins that are refused say why, late enough to slow a client that repeats them", async () => {
  await using server = await startChannelServer();
  const refused: readonly [string, unknown, string][] = [
    ["realtime:", {}, "TopicNameRequired: You must provide a topic name"],
    [
      TOPIC,
      { broadcast: { replay: { since: 1 } } },
      "UnableToReplayMessages: Replay is not allowed for public channels",
    ],
    [
      TOPIC,
      { private: true, broadcast: { replay: { since: "x" } } },
      "UnableToReplayMessages: Replay params are not valid",
    ],
    [
      TOPIC,
      { presence: { key: "ids" } },
      "InvalidPresenceKey: The presence key ids breaks the clients of other members. Choose another key",
    ],
    [
      TOPIC,
      { presence: { key: "__proto__" } },
      "InvalidPresenceKey: The presence key __proto__ breaks the clients of other members. Choose another key",
    ],
  ];
  await Promise.all(refused.map(async ([topic, config, reason]) => {
    await using client = await PhoenixClient.connect(server);
    await assertRefused(client, topic, config, reason);
  }));
});

Deno.test("nothing passes a channel whose join is refused or undecided", async () => {
  await using server = await startChannelServer({ env: { ROOM_POLICY: "claim", ROOM_CLAIM: "rooms" } });
  await using client = await PhoenixClient.connect(server);
  const ref = client.join(TOPIC, { private: true, broadcast: { ack: true } });
  const broadcast = client.push(ref, TOPIC, "broadcast", { type: "broadcast", event: "e", payload: {} });
  const track = client.push(ref, TOPIC, "presence", { event: "track", payload: {} });
  for (const push of [broadcast, track]) {
    assertEquals(await client.next(), [ref, push, TOPIC, "phx_reply", {
      status: "error",
      response: { reason: "unmatched topic" },
    }]);
  }
  assertEquals((await client.next())[4]["status"], "error");
});

Deno.test("only private channels, where the endpoint says so", async () => {
  await using server = await startChannelServer({}, { privateOnly: true });
  await using client = await PhoenixClient.connect(server);
  await assertRefused(client, TOPIC, {}, "PrivateOnly: This project only allows private channels");
});

Deno.test("the handshake: keys, serializers, addresses", async () => {
  await using server = await startChannelServer();
  const base = `${server.origin}/realtime`;
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };
  for (
    const [query, status] of [["", 401], ["?apikey=sb_publishable_wrong", 401], [
      "?apikey=a.b.c",
      401,
    ]] as const
  ) {
    const response = await fetch(`${base}/websocket${query}`, { headers });
    assertEquals(response.status, status);
    assertEquals(typeof (await response.json()).error, "string");
  }
  const key = "sb_publishable_of_the_tests";
  for (
    const path of [
      "/websocket",
      "/socket/websocket",
      "/v1/websocket",
      "/realtime/v1/websocket",
      "//websocket",
    ]
  ) {
    const client = await SocketClient.open(
      `ws://127.0.0.1:${server.port}/realtime${path}?apikey=${key}&vsn=2.0.0&x=1`,
    );
    client.send('[null,"1","phoenix","heartbeat",{}]');
    assertEquals(await client.next(), '[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]');
    client.close();
    await client.closed();
  }
  const old = await SocketClient.open(`ws://127.0.0.1:${server.port}/realtime/websocket?apikey=${key}`);
  old.send('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}');
  assertEquals(
    await old.next(),
    '{"topic":"phoenix","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"1"}',
  );
  old.close();
  await old.closed();
  assert(!JSON.stringify(server.logs).includes(key));
});

Deno.test("a token that expires closes its channel, and the socket stays", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const exp = Math.floor(Date.now() / 1000) + 2;
  const token = await server.issuer.token("alice", { claims: { exp } });
  const ref = await client.joined(TOPIC, { private: true }, { access_token: token });
  const [, , , event, payload] = await client.next();
  assertEquals(event, "system");
  assert(String(payload["message"]).startsWith("Token has expired"), String(payload["message"]));
  assertEquals(await client.next(), [ref, ref, TOPIC, "phx_close", {}]);
  await client.silence();
});

Deno.test("a token in band: a fresh one is taken, one without the right ends the channel", async () => {
  await using server = await startChannelServer({ env: { ROOM_POLICY: "claim", ROOM_CLAIM: "rooms" } });
  await using client = await PhoenixClient.connect(server);
  const token = (rooms: string[]) => server.issuer.token("alice", { claims: { app_metadata: { rooms } } });
  const ref = await client.joined(TOPIC, { private: true }, { access_token: await token(["room"]) });
  client.push(ref, TOPIC, "access_token", { access_token: await token(["room", "more"]) });
  client.push(ref, TOPIC, "access_token", { access_token: null });
  await client.silence();
  client.push(ref, TOPIC, "access_token", { access_token: await token(["other"]) });
  assertEquals(await client.next(), [ref, null, TOPIC, "system", {
    extension: "system",
    status: "error",
    message: "You do not have permissions to read from this Channel topic: room",
    channel: "room",
  }]);
  assertEquals(await client.next(), [ref, ref, TOPIC, "phx_close", {}]);
});

Deno.test("broadcasts that are refused: too large, no right, persist on a public channel", async () => {
  await using server = await startChannelServer();
  await using client = await PhoenixClient.connect(server);
  const ref = await client.joined(TOPIC, { broadcast: { ack: true } });
  const push = (payload: unknown, more = {}) =>
    client.push(ref, TOPIC, "broadcast", { type: "broadcast", event: "e", payload, ...more });
  push({ text: "x".repeat(100_000) });
  assertEquals((await client.next())[4], OK);
  push({ text: "x".repeat(300_000) });
  assertEquals((await client.next())[4], { status: "error", response: "payload_size_exceeded" });
  push({}, { persist: true });
  assertEquals((await client.next())[4], {
    status: "error",
    response: { error: "persist is only for private channels" },
  });
});

Deno.test("a channel that sends too much is closed, and others of the socket are not", async () => {
  await using server = await startChannelServer({ env: { FRAMES_BURST: "20", FRAMES_PER_SECOND: "1" } });
  await using client = await PhoenixClient.connect(server);
  const noisy = await client.joined(TOPIC);
  await client.joined("realtime:calm");
  for (let n = 0; n < 25; n++) {
    client.push(noisy, TOPIC, "broadcast", { type: "broadcast", event: "e", payload: {} });
  }
  const [, , topic, event, payload] = await client.next();
  assertEquals([topic, event, payload["message"]], [TOPIC, "system", "Too many messages per second"]);
  assertEquals(await client.next(), [noisy, noisy, TOPIC, "phx_close", {}]);
  await client.silence();
});

Deno.test("too many channels, and too many joins", async () => {
  await using server = await startChannelServer({
    env: { MAX_ROOMS_PER_SOCKET: "2", JOINS_BURST: "4", JOINS_PER_SECOND: "1" },
  });
  await using client = await PhoenixClient.connect(server);
  await client.joined("realtime:1");
  await client.joined("realtime:2");
  client.join("realtime:3");
  assertEquals((await client.next())[4]["response"], {
    reason: "ChannelRateLimitReached: Too many channels",
  });
  client.join("realtime:4");
  await client.next();
  client.join("realtime:5");
  assertEquals((await client.next())[4]["response"], {
    reason: "ClientJoinRateLimitReached: Too many joins per second",
  });
  assertEquals((await client.closed()).code, 4429);
});
