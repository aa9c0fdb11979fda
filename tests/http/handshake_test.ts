/**
 * Refusals of each step in docs/protocol.md, "Handshake", row by row and byte for byte on a TCP
 * connection. Successful handshakes are in handshake_upgrade_test.ts.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../support/handshake.ts";
import { assertProblem, type ExpectedProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { remotePolicy, startProjectStub, unusedAddress } from "../support/project_stub.ts";
import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const NOT_FOUND: ExpectedProblem = { status: 404, code: "not_found", title: "Not found" };
const NO_UPGRADE: ExpectedProblem = {
  status: 400,
  code: "expected_websocket",
  title: "Expected WebSocket upgrade",
};
const BAD_VERSION: ExpectedProblem = {
  status: 426,
  code: "unsupported_websocket_version",
  title: "Unsupported WebSocket version",
};
const BAD_ROOM: ExpectedProblem = {
  status: 400,
  code: "invalid_request",
  title: "Invalid request",
  field: "param.id",
};
const FORBIDDEN: ExpectedProblem = { status: 403, code: "forbidden", title: "Forbidden" };
const OVERLOADED: ExpectedProblem = { status: 503, code: "overloaded", title: "Overloaded" };
const TOO_MANY: ExpectedProblem = {
  status: 429,
  code: "too_many_connections",
  title: "Too many connections",
};

const NOBODY: StartOptions = {
  deps: { authorize: () => ({ join: false, publish: true, presence: true, history: true }) },
};

/** Registers the test of one row: a request and its refusal. */
function refuses(
  name: string,
  expected: ExpectedProblem,
  request: (running: RunningServer) => Promise<RawResponse>,
  options: StartOptions = {},
): void {
  Deno.test(`Handshake ${name}`, async () => {
    await using running = await startServer(options);
    assertProblem(await request(running), expected);
    assertEquals(running.engine.connections.count, 0);
  });
}

refuses(
  "1: an unknown route is 404, even without a token",
  NOT_FOUND,
  ({ port }) => rawGet(port, "/realtime/nope", HANDSHAKE),
);
refuses("1: an unknown route is 404 with a token too", NOT_FOUND, (running) => connect(running, "/nope"));
refuses(
  "1: outside the base path everything is 404",
  NOT_FOUND,
  ({ port }) => rawGet(port, "/echo", HANDSHAKE),
);

refuses(
  "2: no token is 401 missing_token",
  TOKEN_PROBLEMS.missing_token,
  ({ port }) => rawGet(port, "/realtime/echo", HANDSHAKE),
);
refuses(
  "2: a bad token is 401 invalid_token",
  TOKEN_PROBLEMS.invalid_token,
  ({ port }) => rawGet(port, "/realtime/echo?token=bad", HANDSHAKE),
);
refuses(
  "2: an expired token is 401 token_expired",
  TOKEN_PROBLEMS.token_expired,
  async ({ port, issuer }) => {
    const token = await issuer.token("alice", { claims: { exp: 1_700_000_000 } });
    return await rawGet(port, `/realtime/echo?token=${token}`, HANDSHAKE);
  },
);
refuses(
  "2: with the key set's address down it is 503 auth_unavailable",
  TOKEN_PROBLEMS.auth_unavailable,
  (running) => connect(running, "/echo"),
  { env: { SUPABASE_JWKS: undefined, SUPABASE_URL: unusedAddress() } },
);
refuses(
  "2: with Auth down it is 503 auth_unavailable",
  TOKEN_PROBLEMS.auth_unavailable,
  (running) => connect(running, "/echo"),
  { env: remotePolicy(unusedAddress()) },
);

Deno.test("Handshake 2: with Auth failing it is 503 auth_unavailable", async () => {
  await using project = startProjectStub({ user: () => new Response("oops", { status: 500 }) });
  await using running = await startServer({ env: remotePolicy(project.url) });
  assertProblem(await connect(running, "/echo"), TOKEN_PROBLEMS.auth_unavailable);
});

refuses(
  "3: no Upgrade header is 400 expected_websocket",
  NO_UPGRADE,
  (running) => connect(running, "/echo", []),
);
refuses(
  "3: an upgrade to something else is 400 expected_websocket",
  NO_UPGRADE,
  (running) => connect(running, "/echo", ["Connection: Upgrade", "Upgrade: h2c"]),
);
for (const missing of ["Sec-WebSocket-Key", "Connection"]) {
  refuses(
    `3: a handshake without ${missing} is 400 expected_websocket`,
    NO_UPGRADE,
    (running) => connect(running, "/echo", HANDSHAKE.filter((line) => !line.startsWith(missing))),
  );
}

/** The lines of a handshake with another value of one header. */
const changed = (name: string, value: string) =>
  HANDSHAKE.map((line) => line.startsWith(`${name}:`) ? `${name}: ${value}` : line);

for (const version of ["8", "7", "0", "14", "013", "13, 8", "websocket", ""]) {
  refuses(
    `9: the WebSocket version \`${version}\` is 426 unsupported_websocket_version`,
    BAD_VERSION,
    (running) => connect(running, "/echo", changed("Sec-WebSocket-Version", version)),
  );
}
refuses(
  "9: a handshake without a version is 426 unsupported_websocket_version",
  BAD_VERSION,
  (running) => connect(running, "/echo", HANDSHAKE.filter((line) => !/-Version:/.test(line))),
);
const BAD_KEYS = {
  "of 15 bytes": btoa("x".repeat(15)),
  "of 17 bytes": btoa("x".repeat(17)),
  "that is empty": "",
  "that is not base64": "dGhlIHNhbXBsZSBub25j!!==",
  "without padding": "dGhlIHNhbXBsZSBub25jZQ",
  "that is there twice": "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
};
for (const [what, key] of Object.entries(BAD_KEYS)) {
  refuses(
    `9: a key ${what} is 400 expected_websocket`,
    NO_UPGRADE,
    (running) => connect(running, "/rooms/a", changed("Sec-WebSocket-Key", key)),
  );
}

/** Handshakes as proxies without WebSocket support forward them, by proxy. */
const SWALLOWED: Record<string, readonly string[]> = {
  "nginx without upgrade headers": ["Connection: close", ...HANDSHAKE.slice(2)],
  "a proxy that keeps Upgrade": ["Connection: keep-alive", ...HANDSHAKE.slice(1)],
  "a proxy that keeps only the key": HANDSHAKE.slice(3),
  "a proxy that keeps only the version": [HANDSHAKE[2]],
};
for (const [proxy, lines] of Object.entries(SWALLOWED)) {
  Deno.test(`Handshake 9: behind ${proxy}, the refusal names the proxy and its setting`, async () => {
    await using running = await startServer();
    const response = await connect(running, "/echo", lines);
    assertProblem(response, NO_UPGRADE);
    const { detail } = JSON.parse(response.body);
    assertMatch(detail, /proxy .*proxy_set_header Upgrade \$http_upgrade/);
  });
}
Deno.test("Handshake 3: a request that is no handshake at all is not blamed on a proxy", async () => {
  await using running = await startServer();
  const { body } = await connect(running, "/echo", []);
  assertEquals(JSON.parse(body).detail.includes("proxy"), false);
});

const BAD_ROOMS = {
  "with a blank": "a%20b",
  "with a percent-encoded slash": "a%2Fb",
  "with percent-encoded dots and slashes": "%2e%2e%2fetc",
  "with broken percent-encoding": "%E0%A4%A",
  "with a NUL": "a%00",
  "with a line end": "a%0A",
  "with a letter that is not ASCII": "z%C3%BCrich",
  "with markup": "%3Cb%3E",
  "of 129 characters": "x".repeat(129),
};
for (const [what, room] of Object.entries(BAD_ROOMS)) {
  refuses(
    `4: a room id ${what} is 400 invalid_request with the field`,
    BAD_ROOM,
    (running) => connect(running, `/rooms/${room}`),
  );
}

refuses(
  "5: a user who may not join is 403 forbidden",
  FORBIDDEN,
  (running) => connect(running, "/rooms/a"),
  NOBODY,
);
refuses(
  "5: an origin that may not connect is 403 forbidden",
  { ...FORBIDDEN, field: "header.origin" },
  (running) => connect(running, "/echo", [...HANDSHAKE, "Origin: https://evil.example"]),
  { env: { ALLOWED_ORIGINS: "https://good.example, https://other.example" } },
);

refuses("6: a draining isolate is 503 overloaded", OVERLOADED, async (running) => {
  await running.engine.connections.drain("test", 0);
  return await connect(running, "/echo");
});
for (
  const [variable, expected] of [["MAX_CONNECTIONS", OVERLOADED], [
    "MAX_CONNECTIONS_PER_USER",
    TOO_MANY,
  ]] as const
) {
  Deno.test(`Handshake 6: with ${variable} reached it is ${expected.status} ${expected.code}`, async () => {
    await using running = await startServer({ env: { [variable]: "1" } });
    await using client = await SocketClient.open(await running.socketUrl("/echo", "alice"));
    assertProblem(await connect(running, "/echo"), expected);
    client.send("still here");
    assertEquals(await client.next(), "Echo: still here");
  });
}
Deno.test("Handshake 6: another user can still connect after one user has reached the limit", async () => {
  await using running = await startServer({ env: { MAX_CONNECTIONS_PER_USER: "1" } });
  await using _alice = await SocketClient.open(await running.socketUrl("/echo", "alice"));
  await using bob = await SocketClient.open(await running.socketUrl("/echo", "bob"));
  bob.send("me too");
  assertEquals(await bob.next(), "Echo: me too");
});

refuses(
  "order: 2 comes before 3",
  TOKEN_PROBLEMS.missing_token,
  ({ port }) => rawGet(port, "/realtime/echo"),
);
refuses(
  "order: 2 comes before 4",
  TOKEN_PROBLEMS.invalid_token,
  ({ port }) => rawGet(port, "/realtime/rooms/a%20b?token=bad", HANDSHAKE),
);
refuses("order: 2 comes before 6", TOKEN_PROBLEMS.missing_token, async ({ port, engine }) => {
  await engine.connections.drain("test", 0);
  return await rawGet(port, "/realtime/echo", HANDSHAKE);
});
refuses(
  "order: 9 comes before 4",
  BAD_VERSION,
  (running) => connect(running, "/rooms/a%20b", changed("Sec-WebSocket-Version", "8")),
);
refuses(
  "order: 9 comes before the page's origin",
  NO_UPGRADE,
  (running) =>
    connect(running, "/echo", [...changed("Sec-WebSocket-Key", "x"), "Origin: https://evil.example"]),
  { env: { ALLOWED_ORIGINS: "https://good.example" } },
);
refuses(
  "order: 2 comes before 9",
  TOKEN_PROBLEMS.missing_token,
  ({ port }) => rawGet(port, "/realtime/echo", changed("Sec-WebSocket-Version", "8")),
);
refuses("order: 3 comes before 4", NO_UPGRADE, (running) => connect(running, "/rooms/a%20b", []));
refuses("order: 3 comes before 5", NO_UPGRADE, (running) => connect(running, "/rooms/a", []), NOBODY);
refuses("order: 4 comes before 5", BAD_ROOM, (running) => connect(running, "/rooms/a%20b"), NOBODY);
refuses("order: 5 comes before 6", FORBIDDEN, async (running) => {
  await running.engine.connections.drain("test", 0);
  return await connect(running, "/rooms/a");
}, NOBODY);

Deno.test("Handshake 3: a HEAD with every header of a handshake is not a handshake", async () => {
  await using running = await startServer();
  const token = await running.issuer.token("alice");
  const response = await fetch(`${running.origin}/realtime/echo?token=${token}`, {
    method: "HEAD",
    headers: {
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
  });
  assertEquals(response.status, 400);
  assertEquals(running.engine.connections.count, 0);
});
