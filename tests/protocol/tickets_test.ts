/** docs/protocol.md, rules 2.12 to 2.15. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { app as shippedApp } from "../../supabase/functions/realtime/app.ts";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { wallClock } from "../../packages/server/src/clocks.ts";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { findToken } from "../../packages/server/src/http/find_token.ts";
import { RequestProblem } from "../../packages/server/src/http/middleware/problem.ts";
import { provideUser, verifyUser } from "../../packages/server/src/http/middleware/provide_user.ts";
import { upgradeWebSocket } from "../../packages/server/src/http/middleware/upgrade.ts";
import { Tickets, type TicketsDeps } from "../../packages/server/src/http/tickets/tickets.ts";
import { refused, unavailable } from "../../packages/server/src/auth/verification.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { assertProblem, type ExpectedProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { backplaneOf } from "../support/room_services.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";
import { startWithSessions } from "../support/session_fixture.ts";
import { askForTicket, ticketOf } from "../support/tickets.ts";
import { assertNoFragment } from "../support/token_checks.ts";

const INVALID_TICKET: ExpectedProblem = { status: 401, code: "invalid_ticket", title: "Invalid ticket" };

/** Connects to `/echo`, or another path, with a ticket. */
async function upgrade({ port }: RunningServer, ticket: string, path = "/echo"): Promise<RawResponse> {
  return await rawGet(port, `/realtime${path}?ticket=${ticket}`, HANDSHAKE);
}

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** Replaces parts of the running server's tickets. */
function changeTickets(running: RunningServer, changes: Partial<TicketsDeps>): void {
  const tickets = new Tickets({
    store: backplaneOf(running),
    verifier: running.engine.deps.verifier,
    wallNow: wallClock,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    ...changes,
  });
  Object.assign(running.engine.deps, { tickets });
}

Deno.test("2.12 a user gets a ticket that expires after 30 seconds, with or without a body", async () => {
  await using running = await startServer();
  const seen = new Set<string>();
  for (const body of [undefined, {}, { path: "/echo" }, { unknown: 1 }]) {
    const before = inSeconds(0);
    const response = await askForTicket(running, { body });
    assertEquals(response.status, 201);
    assertEquals(response.headers.get("cache-control"), "no-store");
    assert(response.headers.has("ratelimit"));
    const { ticket, expires_at, ...rest } = await response.json();
    assertEquals(rest, {});
    assert(/^rt_ticket_[A-Za-z0-9_-]{43}$/.test(ticket), "the form of a ticket");
    assert(expires_at >= before + 29 && expires_at <= inSeconds(30), `${expires_at - before} s`);
    seen.add(ticket);
  }
  assertEquals(seen.size, 4);
});

Deno.test("2.12 a ticket expires with its token, if that is earlier", async () => {
  await using running = await startServer();
  const exp = inSeconds(10);
  const response = await askForTicket(running, {
    token: await running.issuer.token("alice", { claims: { exp } }),
  });
  assertEquals((await response.json()).expires_at, exp);
});

Deno.test("2.12 a ticket needs a token, a valid body, and the user's request rate", async () => {
  await using running = await startServer({ env: { USER_REQUESTS_PER_SECOND: "1" } });
  const url = `${running.origin}/realtime/tickets`;
  const problemOf = async (response: Response) => {
    const { status, code, field } = await response.json();
    return [status, code, field];
  };
  assertEquals(await problemOf(await fetch(url, { method: "POST" })), [401, "missing_token", undefined]);
  assertEquals(await problemOf(await askForTicket(running, { token: "bad" })), [
    401,
    "invalid_token",
    undefined,
  ]);
  for (const path of ["", "rooms/lobby", "/", "/a?b=c", "/a#b", "/a b", `/${"a".repeat(1024)}`, 7, null]) {
    const [status, code, field] = await problemOf(
      await askForTicket(running, { user: `u${path}`, body: { path } }),
    );
    assertEquals([status, code, field], [400, "invalid_request", "json.path"], String(path));
  }
  const token = await running.issuer.token("bob");
  const text = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: "x" });
  assertEquals(await problemOf(text), [415, "unsupported_media_type", "header.content-type"]);
  const many = await Promise.all(Array.from({ length: 8 }, () => askForTicket(running, { user: "carol" })));
  const statuses = await Promise.all(many.map(async (response) => {
    await response.body?.cancel();
    return response.status;
  }));
  assertEquals(statuses.filter((status) => status === 201).length, 5);
  assertEquals(statuses.filter((status) => status === 429).length, 3);
});

Deno.test("2.12 a ticket makes no further ticket", async () => {
  await using running = await startServer();
  const ticket = await ticketOf(running);
  const response = await fetch(`${running.origin}/realtime/tickets?ticket=${ticket}`, { method: "POST" });
  assertEquals([response.status, (await response.json()).code], [401, "missing_token"]);
  assertEquals((await upgrade(running, ticket)).status, 101);
});

Deno.test("2.13 a ticket opens one socket as the token's user, with that token's expiry", async () => {
  await using running = await startServer();
  const exp = inSeconds(600);
  const token = await running.issuer.token("alice", { claims: { exp, app_metadata: { team: "red" } } });
  const ticket = await ticketOf(running, { token });
  await using socket = await SocketClient.open(
    `ws://127.0.0.1:${running.port}/realtime/rooms/lobby?ticket=${ticket}`,
    ["realtime.v1"],
  );
  const welcome = JSON.parse(String(await socket.next()));
  assertEquals([welcome.user, welcome.expires_at], ["alice", exp]);
  assertProblem(await upgrade(running, ticket, "/rooms/lobby"), INVALID_TICKET);
  // In-band renewal is as with a token.
  const fresh = await running.issuer.token("alice", { claims: { exp: exp + 600 } });
  socket.send(JSON.stringify({ type: "auth", id: "a", token: fresh }));
  const frames: { type: string; expires_at?: number }[] = [];
  while (!frames.some(({ type }) => type === "authenticated")) {
    frames.push(...[JSON.parse(String(await socket.next()))].flat());
  }
  assertEquals(frames.find(({ type }) => type === "authenticated")?.expires_at, exp + 600);
});

Deno.test("2.13 a ticket opens a socket for many rooms, and its user joins them", async () => {
  await using running = await startServer();
  const ticket = await ticketOf(running, { body: { path: "/socket" } });
  await using socket = await SocketClient.open(
    `ws://127.0.0.1:${running.port}/realtime/socket?ticket=${ticket}`,
    ["realtime.v1"],
  );
  const welcomes: string[] = [];
  for (const id of ["a", "b"]) socket.send(JSON.stringify({ type: "join", id, room: `rooms/${id}` }));
  while (welcomes.length < 2) {
    for (const { type, room, user } of [JSON.parse(String(await socket.next()))].flat()) {
      if (type === "welcome") welcomes.push(`${room} ${user}`);
      assertNotEquals(type, "error");
    }
  }
  assertEquals(welcomes.sort(), ["rooms/a alice", "rooms/b alice"]);
  assertProblem(await upgrade(running, ticket, "/socket"), INVALID_TICKET);
});

for (const accept of ["text/event-stream", undefined]) {
  Deno.test(`2.13 a ticket opens one event stream, of a client that ${accept ? "accepts" : "does not name"} them`, async () => {
    await using running = await startServer();
    const url = `${running.origin}/realtime/rooms/lobby/events?ticket=${await ticketOf(running)}`;
    const headers: Record<string, string> = accept ? { accept } : {};
    const response = await fetch(url, { headers });
    assertEquals(response.status, 200);
    const reader = response.body?.getReader();
    const { value } = await reader?.read() ?? {};
    assertStringIncludes(new TextDecoder().decode(value), '"user":"alice"');
    await reader?.cancel();
    const again = await fetch(url, { headers });
    assertEquals([again.status, (await again.json()).code], [401, "invalid_ticket"]);
  });
}

Deno.test("2.13 a ticket is ignored, and not used up, by requests for anything else", async () => {
  await using running = await startServer();
  const ticket = await ticketOf(running);
  for (const path of ["/whoami", "/rooms/lobby/messages", "/rooms/lobby/presence", "/echo"]) {
    assertProblem(
      await rawGet(running.port, `/realtime${path}?ticket=${ticket}`),
      TOKEN_PROBLEMS.missing_token,
    );
  }
  // As a token it counts nowhere.
  for (const place of [`token=${ticket}`, `jwt=${ticket}`]) {
    assertProblem(
      await rawGet(running.port, `/realtime/echo?${place}`, HANDSHAKE),
      TOKEN_PROBLEMS.invalid_token,
    );
  }
  assertProblem(
    await rawGet(running.port, "/realtime/whoami", [`Authorization: Bearer ${ticket}`]),
    TOKEN_PROBLEMS.invalid_token,
  );
  assertEquals((await upgrade(running, ticket)).status, 101);
});

Deno.test("2.13 a token in any place counts before the ticket, which is then not used up", async () => {
  await using running = await startServer();
  const [ticket, token] = [await ticketOf(running), await running.issuer.token("bob")];
  const at = (query: string, ...lines: string[]) =>
    rawGet(running.port, `/realtime/echo?ticket=${ticket}${query}`, [...HANDSHAKE, ...lines]);
  assertEquals((await at("", `Authorization: Bearer ${token}`)).status, 101);
  assertEquals((await at("", `Sec-WebSocket-Protocol: jwt-${token}`)).status, 101);
  assertEquals((await at(`&token=${token}`)).status, 101);
  assertProblem(await at("&jwt=bad"), TOKEN_PROBLEMS.invalid_token);
  assertEquals((await upgrade(running, ticket)).status, 101);
  const users = (await running.logged("socket.open", 4)).map(({ user }) => user);
  assertEquals(users, ["bob", "bob", "bob", "alice"]);
});

Deno.test("2.13 the function as shipped, and findToken with fewer places, know tickets", async () => {
  const headerOnly = provideUser(async (c) => {
    const token = findToken(c, ["header"]);
    if (token === undefined) throw new RequestProblem("missing_token");
    return await verifyUser(c, token);
  });
  const route = endpoint().get("/", headerOnly, upgradeWebSocket(() => ({})));
  const apps = [() => shippedApp, () => createApp().route("/own", route)];
  for (const [app, path] of [[apps[0], "/echo"], [apps[1], "/own"]] as const) {
    await using running = await startServer(app ? { app } : {});
    assertEquals((await upgrade(running, await ticketOf(running), path)).status, 101);
    const token = await running.issuer.token("alice");
    const { status } = await rawGet(running.port, `/realtime${path}?token=${token}`, HANDSHAKE);
    assertEquals(status, path === "/own" ? 401 : 101);
  }
});

Deno.test("2.13 a request redeems its ticket once, also if two middlewares verify", async () => {
  const verify = () =>
    provideUser(async (c) => {
      const token = findToken(c);
      if (token === undefined) throw new RequestProblem("missing_token");
      return await verifyUser(c, token);
    });
  const route = endpoint().get("/", verify(), verify(), upgradeWebSocket(() => ({})));
  await using running = await startServer({ app: () => createApp().route("/twice", route) });
  const ticket = await ticketOf(running);
  assertEquals((await upgrade(running, ticket, "/twice")).status, 101);
  assertProblem(await upgrade(running, ticket, "/twice"), INVALID_TICKET);
});

Deno.test("2.13 the end of its session closes a connection that a ticket opened", async () => {
  await using sessions = await startWithSessions();
  const { auth, running } = sessions;
  const ticket = await ticketOf(running, { token: await auth.signIn("alice") });
  await using socket = await SocketClient.open(
    `ws://127.0.0.1:${running.port}/realtime/echo?ticket=${ticket}`,
  );
  auth.signOut("alice");
  assertEquals((await socket.closed()).code, 4401);
});

Deno.test("2.14 used, expired, invented, malformed and misplaced tickets get one answer", async () => {
  await using running = await startServer();
  const used = await ticketOf(running);
  assertEquals((await upgrade(running, used)).status, 101);
  const misplaced = await ticketOf(running, { body: { path: "/rooms/lobby" } });
  const store = backplaneOf(running);
  changeTickets(running, {
    store: { put: (key, value) => store.put(key, value, 0), take: (key) => store.take(key) },
  });
  const expired = await ticketOf(running);
  changeTickets(running, {});
  const invented = `rt_ticket_${"A".repeat(43)}`;
  const malformed = [
    "x",
    `${invented}A`,
    `rt_ticket_${"A".repeat(42)}`,
    "eyJhbGciOiJub25lIn0.e30.",
    "%00",
    "rt_ticket_",
  ];
  const bodies = new Set<string>();
  for (const ticket of [used, misplaced, expired, invented, ...malformed]) {
    const answer = await upgrade(running, ticket);
    assertProblem(answer, INVALID_TICKET);
    const { request_id: _, ...rest } = JSON.parse(answer.body);
    bodies.add(JSON.stringify(rest));
  }
  assertEquals(bodies.size, 1);
});

Deno.test("2.14 a ticket with a path is for that path exactly, and used up by another", async () => {
  await using running = await startServer();
  const attempt = async (path: string, ticketPath: string) => {
    const ticket = await ticketOf(running, { body: { path: ticketPath } });
    const { status } = await upgrade(running, ticket, path);
    assertNotEquals((await upgrade(running, ticket, ticketPath)).status, 101);
    return status;
  };
  assertEquals(await attempt("/rooms/lobby", "/rooms/lobby"), 101);
  assertEquals(await attempt("/rooms/a~b", "/rooms/a~b"), 101);
  for (const other of ["/rooms/Lobby", "/rooms/lobby2", "/rooms/lobby/events", "/echo", "/rooms/lobby/"]) {
    assertEquals(await attempt(other, "/rooms/lobby"), 401, other);
  }
  assertEquals(await attempt("/rooms/lobby", "/realtime/rooms/lobby"), 401);
  // Text is compared as addresses are encoded.
  assertEquals(await attempt("/rooms/lobby", "/rooms/../rooms/lobby"), 101);
});

Deno.test("2.14 a ticket whose token no longer counts is invalid", async () => {
  await using running = await startServer();
  for (const code of ["invalid_token", "token_expired"] as const) {
    const ticket = await ticketOf(running);
    changeTickets(running, { verifier: { verify: () => Promise.resolve(refused(code, "It ended.")) } });
    assertProblem(await upgrade(running, ticket), INVALID_TICKET);
    changeTickets(running, {});
  }
});

Deno.test("2.14 while the store or Auth is away the answer is 503", async () => {
  await using running = await startServer();
  const ticket = await ticketOf(running);
  const away = () => Promise.reject(new BackplaneUnavailable("Apply supabase/migrations/x.sql."));
  changeTickets(running, { store: { put: away, take: away } });
  const unavailableNow: ExpectedProblem = { status: 503, code: "unavailable", title: "Unavailable" };
  assertProblem(await upgrade(running, ticket), unavailableNow);
  const response = await askForTicket(running);
  assertEquals([response.status, (await response.json()).code], [503, "unavailable"]);
  const [line] = await running.logged("backplane.unavailable");
  assertStringIncludes(String(line?.["error"]), "supabase/migrations/x.sql");
  const isAway = { verify: () => Promise.resolve(unavailable("Auth is away.", undefined)) };
  changeTickets(running, { verifier: isAway });
  assertProblem(await upgrade(running, ticket), TOKEN_PROBLEMS.auth_unavailable);
});

Deno.test("2.14 invented tickets cost the store few requests at once", async () => {
  await using running = await startServer();
  let [taking, most] = [0, 0];
  const release = Promise.withResolvers<void>();
  const take = async () => {
    most = Math.max(most, ++taking);
    if (taking === 16) release.resolve();
    await release.promise;
    taking--;
    return undefined;
  };
  changeTickets(running, { store: { put: () => Promise.resolve(), take } });
  const forged = Array.from({ length: 100 }, (_, index) => `rt_ticket_${String(index).padStart(43, "A")}`);
  const answers = await Promise.all(forged.map((ticket) => upgrade(running, ticket)));
  assertEquals(new Set(answers.map(({ status }) => status)), new Set([401]));
  assertEquals(most, 16);
});

Deno.test("2.15 a ticket is in no log, answer, metric or address that code sees", async () => {
  const seen: string[] = [];
  const app = createApp();
  app.use(async (c, next) => {
    seen.push(c.req.url, c.req.raw.url, JSON.stringify(c.req.query()));
    await next();
  });
  let current = "";
  app.route(
    "/failing",
    endpoint().get("/", () => {
      throw new Error(`A handler failed with ${current}.`);
    }),
  );
  const secret = "sb_secret_of_the_tickets_test";
  await using running = await startServer({
    app: () => app,
    env: { LOG_LEVEL: "debug", SUPABASE_SECRET_KEYS: JSON.stringify({ default: secret }) },
  });
  const answers: string[] = [];
  const tickets = [`rt_ticket_${"B".repeat(43)}`];
  for (const path of ["/echo", "/echo", "/rooms/lobby", "/failing", "/nothing"]) {
    const ticket = current = await ticketOf(running);
    tickets.push(ticket);
    for (
      const spelled of [
        `ticket=${ticket}`,
        `%74icket=${ticket.replace("_", "%5F")}`,
        `a=1&ticket=${ticket}&b=2`,
      ]
    ) {
      for (const lines of [HANDSHAKE, []]) {
        const { headers, body } = await rawGet(running.port, `/realtime${path}?${spelled}`, lines);
        answers.push(body, ...[...headers].flat());
      }
    }
  }
  const metrics = await fetch(`${running.origin}/realtime/metrics`, { headers: { apikey: secret } });
  answers.push(await metrics.text());
  assert(running.logs.some(({ event }) => event === "request.failed"));
  for (const ticket of tickets) {
    const random = ticket.slice("rt_ticket_".length);
    for (const text of [...answers, ...seen, JSON.stringify(running.logs)]) assertNoFragment(random, text);
  }
});

Deno.test("2.15 the store sees neither a ticket nor its token", async () => {
  await using running = await startServer();
  const stored: string[] = [];
  const backplane = backplaneOf(running);
  changeTickets(running, {
    store: {
      put: (key, value, ttlMs) => {
        stored.push(key, value);
        return backplane.put(key, value, ttlMs);
      },
      take: (key) => backplane.take(key),
    },
  });
  const token = await running.issuer.token("alice");
  const ticket = await ticketOf(running, { token });
  assertEquals(stored.length, 2);
  for (const text of stored) {
    assertNoFragment(ticket.slice("rt_ticket_".length), text);
    assertNoFragment(token, text);
    assertNoFragment(token, atob(text.replaceAll("-", "+").replaceAll("_", "/")));
  }
  assertNotEquals(stored[0], ticket);
  assertEquals((await upgrade(running, ticket)).status, 101);
});
