/** docs/protocol.md, rules 12.12 and 12.13: EventSource returns by itself. */
import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { type ErrorCode, ERRORS } from "../../packages/protocol/error_codes.ts";
import { EventReader } from "../support/event_reader.ts";
import { RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";

const STREAM = "text/event-stream";

/** A way to have every stream refused. */
interface Refusal {
  readonly code: ErrorCode;
  readonly options?: StartOptions;
  readonly bringAbout?: (running: RunningServer) => void | Promise<void>;
}

/** Refusals that may succeed later, from each step of the handshake. */
const PASSING: Readonly<Record<string, Refusal>> = {
  "a drain": { code: "overloaded", bringAbout: ({ engine }) => engine.connections.drain("SIGTERM", 0) },
  "a full isolate": { code: "overloaded", options: { env: { MAX_CONNECTIONS: "1" } } },
  "too little memory": { code: "overloaded", options: { env: { ADMIT_BELOW_MB: "16" } } },
  "too many connections of a user": {
    code: "too_many_connections",
    options: { env: { MAX_CONNECTIONS_PER_USER: "1" } },
  },
  "a full room": { code: "room_full", options: { env: { MAX_MEMBERS_PER_ROOM: "1" } } },
  "too many joins": {
    code: "rate_limited",
    options: { env: { JOINS_PER_SECOND: "1", JOINS_BURST: "1" } },
  },
  "too many requests": {
    code: "rate_limited",
    options: { env: { USER_REQUESTS_PER_SECOND: "1" } },
    bringAbout: async ({ engine }) => {
      for (let sent = 0; sent < 5; sent++) await engine.deps.rates.request("alice");
    },
  },
  "an Auth that is away": {
    code: "auth_unavailable",
    bringAbout({ engine }) {
      const verification = { ok: false, code: "auth_unavailable", detail: "Auth is away." };
      Object.assign(engine.deps, { verifier: { verify: () => Promise.resolve(verification) } });
    },
  },
  "a policy that cannot be asked": {
    code: "unavailable",
    bringAbout({ engine }) {
      const authorize = () => Promise.reject(new BackplaneUnavailable("away"));
      Object.assign(engine.deps, { authorize });
    },
  },
  "a fault of the server": {
    code: "internal",
    bringAbout: ({ engine }) =>
      void Object.assign(engine.deps, { authorize: () => Promise.reject(new Error("broken")) }),
  },
};

/** Asks for a stream of the room `r` as `alice`. */
async function ask(
  { origin, issuer }: RunningServer,
  headers: Readonly<Record<string, string>>,
  { method = "GET", query = "" } = {},
): Promise<Response> {
  const authorization = `Bearer ${await issuer.token("alice")}`;
  const url = `${origin}/realtime/rooms/r/events${query}`;
  return await fetch(url, { method, headers: { authorization, ...headers } });
}

for (const [cause, { code, options, bringAbout }] of Object.entries(PASSING)) {
  Deno.test(`12.12 after ${cause} a client that accepts a stream gets one that says when to come back`, async () => {
    await using running = await startServer(options);
    await using _member = options?.env && !("ADMIT_BELOW_MB" in options.env)
      ? await RoomClient.join(running, "r")
      : undefined;
    await bringAbout?.(running);
    const open = running.engine.connections.count;
    const counts = { errors: 0, refusals: 0 };
    const { metrics } = running.engine.deps;
    metrics.erred = () => void counts.errors++;
    metrics.refused = () => void counts.refusals++;
    const response = await ask(running, { accept: STREAM, origin: "https://page.example" });
    assertEquals([response.status, response.headers.get("content-type")], [200, STREAM]);
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
    const [, retry = "", data = ""] =
      /^retry: (\d+)\nevent: close\ndata: (.*)\n\n$/.exec(await response.text()) ?? [];
    assertEquals(JSON.parse(data), { code: 1013, reason: code, retry_after_ms: Number(retry) });
    assert(Number(retry) >= 1_000 && Number(retry) <= 20_000, retry);
    const [line] = running.logs.filter(({ refused }) => refused !== undefined);
    assertObjectMatch({ ...line }, { event: "request", status: 200, refused: code });
    assertEquals(running.engine.connections.count, open);
    assertEquals(counts, { errors: 0, refusals: 1 });

    for (const other of [{}, { accept: "*/*" }, { accept: "application/json" }, { accept: "text/html" }]) {
      const problem = await ask(running, other);
      assertEquals([problem.status, (await problem.json()).code], [ERRORS[code].status, code]);
    }
    const head = await ask(running, { accept: STREAM }, { method: "HEAD" });
    assertEquals(head.status, ERRORS[code].status);
  });
}

Deno.test("12.12 a refusal that will not pass keeps its status, so that EventSource gives up", async () => {
  await using running = await startServer();
  const accept = { accept: STREAM };
  const statuses = [
    await ask(running, { ...accept, authorization: "Bearer x" }),
    await ask(running, accept, { query: "?history=x" }),
    await ask(running, accept, { query: "?events=x" }),
  ].map(async (response) => (await response.body?.cancel(), response.status));
  assertEquals(await Promise.all(statuses), [401, 400, 400]);
  Object.assign(running.engine.deps, { authorize: () => ({ join: false }) });
  const forbidden = await ask(running, accept);
  assertEquals([forbidden.status, (await forbidden.json()).code], [403, "forbidden"]);
});

Deno.test("12.12 other addresses keep the status of a refusal, whatever the client accepts", async () => {
  await using running = await startServer({ deps: { authorize: () => Promise.reject(new Error("broken")) } });
  const authorization = `Bearer ${await running.issuer.token("alice")}`;
  const response = await fetch(`${running.origin}/realtime/rooms/r/messages`, {
    headers: { authorization, accept: STREAM },
  });
  assertEquals([response.status, (await response.json()).code], [500, "internal"]);
});

Deno.test("12.12 a stream that is refused once it is read says so in the same way", async () => {
  await using running = await startServer({ env: { MAX_CONNECTIONS: "1" } });
  const refusal = running.engine.connections.refusal.bind(running.engine.connections);
  let calls = 0;
  // The isolate fills up between the route and the first read.
  running.engine.connections.refusal = (user) => calls++ === 0 ? undefined : refusal(user);
  await using _member = await RoomClient.join(running, "other", { user: "bob" });
  calls = 0;
  await using stream = await EventReader.open(running);
  const { event, data } = await stream.next();
  assertObjectMatch({ event, data }, { event: "close", data: { code: 1013, reason: "overloaded" } });
  assert(Number(data["retry_after_ms"]) >= 1_000);
  assertEquals(await stream.read(), undefined);
});

Deno.test("12.13 a stream begins with the time after which EventSource reconnects, one to two seconds", async () => {
  for (const [random, retry] of [[0, "1000"], [0.5, "1500"], [0.999999, "1999"]] as const) {
    await using running = await startServer({ deps: { random: () => random } });
    await using stream = await EventReader.open(running);
    const { retry: first, data } = await stream.next();
    assertEquals([first, data["type"]], [retry, "welcome"]);
    assertEquals((await stream.next()).retry, undefined);
  }
});

Deno.test("12.13 a drained stream names the time in `draining`, in `close` and in `retry:`, never less than a second", async () => {
  for (const reason of ["SIGTERM", "cpu"]) {
    await using running = await startServer();
    await using stream = await EventReader.open(running);
    while ((await stream.next()).data["type"] !== "presence");
    const drained = running.engine.connections.drain(reason, 0);
    const draining = await stream.next();
    const close = await stream.next();
    const time = Number(close.data["retry_after_ms"]);
    assert(time >= 1_000 && time < 3_000, String(time));
    assertEquals([draining.data["reconnect_after_ms"], close.retry], [time, String(time)]);
    assertObjectMatch(close, { event: "close", data: { code: 1012 } });
    assertEquals(await stream.read(), undefined);
    await drained;
  }
});

Deno.test("12.12 a room that cannot be reached ends the stream, and the next attempt resumes", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r", { user: "bob" });
  const { epoch } = alice.welcome;
  await alice.publish("missed");
  const backplane = backplaneOf(running);
  let isAway = true;
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      resume: (...given) =>
        isAway ? Promise.reject(new BackplaneUnavailable("away")) : backplane.resume(...given),
    }),
  });
  await using stream = await EventReader.open(running, { lastEventId: `${epoch}:0` });
  assertObjectMatch(await stream.next(), { id: undefined, data: { type: "error", code: "unavailable" } });
  assertObjectMatch(await stream.next(), { id: undefined, event: "close", data: { code: 1013 } });
  isAway = false;
  await using resumed = await EventReader.open(running, { lastEventId: `${epoch}:0` });
  assertObjectMatch((await resumed.next()).data, { type: "welcome", recovered: true });
  assertObjectMatch(await resumed.next(), { id: `${epoch}:1`, data: { data: "missed" } });
});
