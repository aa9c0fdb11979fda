/** docs/protocol.md, rules 8.7 to 8.9. */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { deadline } from "@std/async";
import { eventually } from "../../tools/support/eventually.ts";
import { PATIENCE_MS, SocketClient } from "../../tools/support/wire/socket_client.ts";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { upgradeWebSocket } from "../../packages/server/src/http/middleware/upgrade.ts";
import { answerAuthError } from "../support/project_stub.ts";
import { RoomClient } from "../support/room_client.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";
import { startWithSessions } from "../support/session_fixture.ts";
import { assertNoFragment } from "../support/token_checks.ts";
import { KINDS } from "./kinds.ts";

/** Deadlines are checked at a tenth of the heartbeat. */
const QUICK = { HEARTBEAT_MS: "1000" };

/** The app with `/kept`, whose sockets may outlive their tokens. */
const withKept = () =>
  createApp().route(
    "/kept",
    endpoint().get(
      "/",
      authenticate,
      upgradeWebSocket(() => ({ onMessage: (socket, data) => void socket.send(data) }), {
        closeAtExpiry: false,
      }),
    ),
  );

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function openSocket({ port }: RunningServer, path: string, token: string): Promise<SocketClient> {
  return SocketClient.open(`ws://127.0.0.1:${port}/realtime${path}?token=${token}`);
}

Deno.test("8.7 the same expiry again brings no second expiring, and a later one does", async () => {
  await using running = await startServer({ env: QUICK });
  const exp = inSeconds(40);
  await using alice = await RoomClient.join(running, "r", { plain: true, claims: { exp } });
  await alice.next("expiring");
  for (let count = 0; count < 3; count++) {
    const token = await running.issuer.token("alice", { claims: { exp } });
    const answer = await alice.request({ type: "auth", id: `a${count}`, token });
    assertEquals(answer, { type: "authenticated", id: `a${count}`, expires_at: exp });
  }
  for (let count = 0; count < 2; count++) await alice.next("pong");
  assertEquals((await alice.takeAll()).filter(({ type }) => type === "expiring"), []);
  const token = await running.issuer.token("alice", { claims: { exp: exp + 5 } });
  await alice.request({ type: "auth", id: "later", token });
  assertEquals((await alice.next("expiring")).expires_at, exp + 5);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`8.8 when a session has ended, ${kind} gets invalid_token and a close with 4401, and others stay`, async () => {
    await using sessions = await startWithSessions();
    const { auth, running } = sessions;
    await using alice = await RoomClient.join(running, "r", { plain, token: await auth.signIn("alice") });
    await using bob = await RoomClient.join(running, "r", { plain, token: await auth.signIn("bob") });
    auth.signOut("alice");
    const error = await alice.next("error");
    assertEquals([error.code, error.id], ["invalid_token", undefined]);
    assertEquals((await alice.closed()).code, 4401);
    assertEquals((await bob.publish("still here")).offset, 1);
  });
}

Deno.test("8.8 an event stream ends with its session", async () => {
  await using sessions = await startWithSessions();
  const { auth, running } = sessions;
  const response = await fetch(
    `${running.origin}/realtime/rooms/r/events?token=${await auth.signIn("alice")}`,
  );
  await running.logged("stream.open");
  auth.signOut("alice");
  const text = await deadline(response.text(), PATIENCE_MS);
  assert(/event: close\ndata: {"code":4401,/.test(text), text);
});

Deno.test("8.8 the session of the newest token counts", async () => {
  await using sessions = await startWithSessions();
  const { auth, project, running } = sessions;
  await using alice = await RoomClient.join(running, "r", { token: await auth.signIn("alice") });
  auth.signOut("alice");
  const token = await auth.signIn("alice");
  assertEquals((await alice.request({ type: "auth", id: "a", token })).type, "authenticated");
  const { user } = project.asked;
  await eventually(() => Promise.resolve(project.asked.user), (asked) => asked >= user + 2);
  assertEquals((await alice.publish("still here")).offset, 1);
});

Deno.test("8.8 while Auth is away connections stay, which one line of the log says; an ended session ends when it is back", async () => {
  await using sessions = await startWithSessions();
  const { auth, project, running } = sessions;
  const tokens = [await auth.signIn("alice"), await auth.signIn("bob")] as const;
  await using alice = await RoomClient.join(running, "r", { token: tokens[0] });
  await using bob = await RoomClient.join(running, "r", { user: "bob", token: tokens[1] });
  // The stub's message has the token in it.
  project.user = answerAuthError(500, "unexpected_failure");
  auth.signOut("alice");
  const { user } = project.asked;
  await eventually(() => Promise.resolve(project.asked.user), (asked) => asked >= user + 4);
  assertEquals((await alice.publish("still here")).offset, 1);
  assertEquals(running.logs.filter(({ event }) => event === "auth.unavailable").length, 1);
  for (const token of tokens) assertNoFragment(token, JSON.stringify(running.logs));
  project.user = auth.user;
  assertEquals((await alice.closed()).code, 4401);
  assertEquals((await bob.publish("still here")).offset, 2);
});

Deno.test("8.9 sockets of other endpoints end with their session, also those that may outlive their token", async () => {
  await using sessions = await startWithSessions({ app: withKept });
  const { auth, running } = sessions;
  for (const path of ["/echo", "/kept"]) {
    await using socket = await openSocket(running, path, await auth.signIn("alice"));
    await using other = await openSocket(running, path, await auth.signIn("bob"));
    auth.signOut("alice");
    const error: Record<string, unknown> = JSON.parse(String(await socket.next()));
    assertEquals([error["type"], error["code"]], ["error", "invalid_token"]);
    assertEquals((await socket.closed()).code, 4401);
    other.send("x");
    assertEquals(await other.next(), path === "/echo" ? "Echo: x" : "x");
  }
});

Deno.test("8.9 sockets of other endpoints are closed with 4401 after the expiry and the grace period, unless they may stay", async () => {
  await using running = await startServer({ app: withKept, env: { ...QUICK, EXPIRY_GRACE_SECONDS: "1" } });
  const exp = inSeconds(1);
  const token = await running.issuer.token("alice", { claims: { exp } });
  await using kept = await openSocket(running, "/kept", token);
  await using echo = await openSocket(running, "/echo", token);
  assertEquals(await echo.closed(), { code: 4401, reason: "the token has expired" });
  assertGreaterOrEqual(Date.now(), (exp + 1) * 1000);
  kept.send("still here");
  assertEquals(await kept.next(), "still here");
});
