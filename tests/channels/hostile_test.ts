/** Frames, joins and requests that no client of supabase-js sends. */
import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { type Frame, PhoenixClient } from "../support/channels/phoenix_client.ts";
import { PUBLISHABLE_KEY } from "../support/channels/publishable_key.ts";
import { ANY_RATE } from "../support/room_client.ts";
import type { RunningServer } from "../support/running_server.ts";

const SEED = 20_261_130;
const SECRET = "hunter2-must-not-be-logged";
const NAMES = [
  "ü😀\u202e",
  "\0",
  "a\nb",
  "%2e%2e/..",
  "__proto__",
  "constructor",
  "x".repeat(4_000),
  "\ud800",
];
const ODD: readonly unknown[] = [undefined, null, true, 0, -1, 1.5, 1e300, "", "x", [], [[]], {}, { a: 1 }];

Deno.test("binary frames that are cut, or lie about their sizes, end no socket", async () => {
  await using server = await startChannelServer({ env: ANY_RATE });
  await using client = await PhoenixClient.connect(server);
  const joinRef = await client.joined("realtime:r", { broadcast: { self: true } });
  const good = broadcast(joinRef, "realtime:r", "e", '{"n":1}');
  const random = new SeededRandom(SEED);
  for (let size = 0; size < good.length; size++) client.send(good.slice(0, size).buffer);
  for (let count = 0; count < 2_000; count++) {
    const frame = good.slice();
    // Every byte but the kind: a topic that is cut is another topic.
    frame[1 + random.below(6)] = random.below(256);
    client.send(frame.buffer);
  }
  client.push(joinRef, "realtime:r", "broadcast", { type: "broadcast", event: "last", payload: {} });
  for (;;) {
    const frame = await client.nextOfAny();
    if (frame instanceof Uint8Array && frame[2] === 4 && frame[0] === 4 && ended(frame)) break;
  }
  await client.silence();
  assertEquals(failures(server), []);
});

Deno.test("wrong types in every field of a frame and of a join end no socket", async () => {
  await using server = await startChannelServer({ env: ANY_RATE });
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    await using client = await PhoenixClient.connect(server, PUBLISHABLE_KEY, vsn);
    const good: Fields = {
      join_ref: "1",
      ref: "1",
      topic: "realtime:odd",
      event: "phx_leave",
      payload: {},
    };
    for (const event of ["phx_leave", "presence", "broadcast", "access_token", "heartbeat", "phx_close"]) {
      for (const field of Object.keys(good)) {
        for (const value of ODD) client.send(encode({ ...good, event, [field]: value }, vsn));
      }
    }
    const config: Record<string, readonly unknown[]> = {
      config: ODD,
      "config.broadcast": ODD,
      "config.broadcast.self": ODD,
      "config.presence": ODD,
      "config.presence.enabled": ODD,
      "config.private": ODD.filter((value) => value !== true),
      access_token: ODD.filter((value) => value !== "x"),
    };
    for (const [path, values] of Object.entries(config)) {
      for (const value of values) {
        const payload = withField(path, value);
        client.send(encode({ ...good, event: "phx_join", payload }, vsn));
      }
    }
    for (const text of ["", "[", "null", "[]", "{}", "7", '"x"', `${"[".repeat(5_000)}`, "\0"]) {
      client.send(text);
    }
    await untilHeartbeat(client, vsn);
  }
  assertEquals(failures(server), []);
});

Deno.test("odd names are channels of their own, with odd join references", async () => {
  await using server = await startChannelServer({ env: ANY_RATE });
  await using client = await PhoenixClient.connect(server);
  for (const name of NAMES) {
    for (const ref of ["", "__proto__", "\0", "9".repeat(300)]) {
      client.send(JSON.stringify([ref, ref, `realtime:${name}`, "phx_join", {
        config: { broadcast: { self: true, ack: true } },
      }]));
      await untilReply(client, `realtime:${name}`, ref, "ok");
    }
    client.push(null, `realtime:${name}`, "broadcast", { type: "broadcast", event: name, payload: { name } });
    for (;;) {
      const frame = await client.nextOfAny();
      if (frame instanceof Uint8Array || frame[3] === "broadcast") break;
    }
  }
  await untilHeartbeat(client, "2.0.0");
  assertEquals(failures(server), []);
});

Deno.test("keys of prototypes in payloads arrive as they are, and change nothing", async () => {
  await using server = await startChannelServer({ env: ANY_RATE });
  await using client = await PhoenixClient.connect(server);
  const topic = "realtime:proto";
  const joinRef = await client.joined(topic, { presence: { enabled: true, key: "k" } });
  assertEquals((await client.next())[3], "presence_state");
  const polluted = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  client.send(`["${joinRef}","7","${topic}","presence",{"event":"track","payload":${polluted}}]`);
  await untilReply(client, topic, "7", "ok");
  const diff = await client.next();
  assertEquals(diff[3], "presence_diff");
  assert(JSON.stringify(diff).includes('"__proto__":{"polluted":1}'), JSON.stringify(diff));
  client.send(
    `["8","8","${topic}","phx_join",{"config":${polluted},"__proto__":{"config":{"private":true}}}]`,
  );
  await untilReply(client, topic, "8", "ok");
  assertEquals(Reflect.get({}, "polluted"), undefined);
  assertEquals(failures(server), []);
});

Deno.test("odd replays and presence keys are refused with a reason", async () => {
  await using server = await startChannelServer({ env: ANY_RATE, deps: { random: () => 0 } });
  const token = await server.issuer.token("alice");
  await using client = await PhoenixClient.connect(server);
  const replays = [
    { since: "1" },
    { since: -1 },
    { since: 1.5 },
    { since: 1e300 },
    { since: 0, limit: "5" },
    { since: 0, limit: -1 },
    { since: 0, limit: 0 },
    {},
    [],
    "x",
    true,
  ];
  for (const [at, replay] of replays.entries()) {
    client.join(`realtime:r${at}`, { private: true, broadcast: { replay } }, { access_token: token });
  }
  for (const key of ["ids", "__proto__", "constructor", "toString", "x".repeat(256)]) {
    client.join(`realtime:${key}`, { presence: { key, enabled: true } });
  }
  for (let count = 0; count < replays.length + 5; count++) {
    const [, , topic, event, payload] = await client.next();
    assertEquals([event, payload["status"]], ["phx_reply", "error"], topic);
    assert(/UnableToReplay|InvalidPresenceKey/.test(JSON.stringify(payload)), JSON.stringify(payload));
  }
  const huge = { since: 0, limit: Number.MAX_SAFE_INTEGER };
  client.join("realtime:huge", { private: true, broadcast: { replay: huge } }, { access_token: token });
  assertEquals((await client.next())[4]["status"], "ok");
  await client.silence();
});

Deno.test("10,000 joins and leaves leave nothing behind", async () => {
  await using server = await startChannelServer({ env: ANY_RATE });
  await using client = await PhoenixClient.connect(server);
  for (let round = 0; round < 100; round++) {
    for (let count = 0; count < 100; count++) {
      client.join(`realtime:${count % 7}`);
      if (count % 3 > 0) client.push(null, `realtime:${count % 7}`, "phx_leave");
    }
    for (let count = 0; count < 7; count++) client.push(null, `realtime:${count}`, "phx_leave");
    await untilHeartbeat(client, "2.0.0");
  }
  await client.joined("realtime:0");
  await client.silence();
  assertEquals(failures(server), []);
});

Deno.test("no token is in a log line or an answer", async () => {
  await using server = await startChannelServer({ env: ANY_RATE, deps: { random: () => 0 } });
  await using client = await PhoenixClient.connect(server);
  const token = `${await server.issuer.token("alice")}${SECRET}`;
  for (const [at, access_token] of [SECRET, token, `a.${SECRET}.c`].entries()) {
    client.join(`realtime:t${at}`, { private: true }, { access_token });
  }
  const joinRef = client.join("realtime:open");
  client.push(joinRef, "realtime:open", "access_token", { access_token: SECRET });
  client.send(`["${SECRET}`);
  const frames: Frame[] = [];
  while (frames.filter(([, , , , { status }]) => status === "error").length < 3) {
    frames.push(await client.next());
  }
  await untilHeartbeat(client, "2.0.0", frames);
  assertEquals(JSON.stringify(frames).includes(SECRET), false);
  assertEquals(JSON.stringify(server.logs).includes(SECRET), false);
});

Deno.test("odd bodies of a broadcast over HTTP are refused, and never with 500", async () => {
  await using server = await startChannelServer({ env: ANY_RATE });
  const post = async (path: string, body: BodyInit, type = "application/json"): Promise<number> => {
    const response = await fetch(`${server.origin}/realtime${path}`, {
      method: "POST",
      headers: { apikey: PUBLISHABLE_KEY, "content-type": type },
      body,
    });
    await response.body?.cancel();
    return response.status;
  };
  const message = { topic: "t", event: "e", payload: {} };
  const batches: unknown[] = [
    ...ODD,
    { messages: ODD },
    ...ODD.flatMap((value) => [
      { messages: value },
      { messages: [{ ...message, topic: value }] },
      { messages: [{ ...message, event: value }] },
      { messages: [{ ...message, payload: value }] },
      { messages: [{ ...message, private: value }] },
      { messages: [{ ...message, id: value }] },
    ]),
  ];
  for (const batch of batches) {
    const status = await post("/api/broadcast", JSON.stringify(batch) ?? "");
    assert([202, 422].includes(status), `${status} for ${JSON.stringify(batch)}`);
  }
  const many = { messages: Array.from({ length: 501 }, () => message) };
  assertEquals(await post("/api/broadcast", JSON.stringify(many)), 429);
  assertEquals(await post("/api/broadcast", "x".repeat(2_000_000)), 413);
  const one = (name: string) => `/api/broadcast/${encodeURIComponent(name)}/events/e`;
  for (const name of NAMES.filter((name) => name.length < 513 && name !== "\ud800")) {
    assertEquals(await post(one(name), "{}"), 202, JSON.stringify(name));
  }
  assertEquals(await post(one("x".repeat(513)), "{}"), 422);
  assertEquals(await post(one("t"), "[".repeat(100_000) + "]".repeat(100_000)), 422);
  assertEquals(await post(one("t"), "{"), 422);
  assertEquals(await post(one("t"), "{}", "text/html"), 415);
  assertEquals(await post(one("t"), new Uint8Array(300_000), "application/octet-stream"), 422);
  assertEquals(failures(server), []);
});

type Fields = Readonly<Record<string, unknown>>;

/** Encodes a broadcast as bytes. */
function broadcast(joinRef: string, topic: string, event: string, body: string): Uint8Array<ArrayBuffer> {
  const sizes = [joinRef.length, 1, topic.length, event.length, 0];
  return Uint8Array.from([3, ...sizes, 1, ...new TextEncoder().encode(`${joinRef}7${topic}${event}${body}`)]);
}

/** True for the broadcast `last`. */
function ended(frame: Uint8Array): boolean {
  return new TextDecoder().decode(frame).includes("realtime:rlast");
}

function encode(frame: Fields, vsn: "1.0.0" | "2.0.0"): string {
  const { join_ref, ref, topic, event, payload } = frame;
  return JSON.stringify(vsn === "1.0.0" ? frame : [join_ref, ref, topic, event, payload]);
}

/** A payload with a field such as `config.private`. */
function withField(path: string, value: unknown): unknown {
  return path.split(".").reduceRight((inner, name) => ({ [name]: inner }), value);
}

async function untilReply(client: PhoenixClient, topic: string, ref: string, status: string): Promise<Frame> {
  for (;;) {
    const frame = await client.nextOfAny();
    if (frame instanceof Uint8Array) continue;
    if (frame[1] === ref && frame[2] === topic && frame[3] === "phx_reply") {
      assertEquals(frame[4]["status"], status, JSON.stringify(frame));
      return frame;
    }
  }
}

/** Sends a heartbeat and reads until its answer. The server has handled all earlier frames then. */
async function untilHeartbeat(
  client: PhoenixClient,
  vsn: "1.0.0" | "2.0.0",
  frames: Frame[] = [],
): Promise<void> {
  client.send(
    encode({ join_ref: null, ref: "beat", topic: "phoenix", event: "heartbeat", payload: {} }, vsn),
  );
  for (;;) {
    const frame = await client.nextOfAny();
    if (frame instanceof Uint8Array) continue;
    // Serializer 1.0.0 has objects.
    const ref = Array.isArray(frame) ? frame[1] : Reflect.get(frame, "ref");
    if (ref === "beat") return;
    frames.push(frame);
  }
}

/** Log lines about failures. */
function failures({ logs }: RunningServer): unknown[] {
  return logs.filter(({ level }) => level === "error");
}
