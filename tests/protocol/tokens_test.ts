/** docs/protocol.md, section 8. */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { type Authorize, EVERYTHING, NOTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import { changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** Short heartbeat: deadlines are checked at a tenth of it. */
const QUICK = { HEARTBEAT_MS: "1000" };

/** Unix time in seconds, from now. */
function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** Pings twice per heartbeat for a realtime.v1 client; a plain client need not. */
function keepAlive(member: RoomClient, plain: boolean): Disposable {
  const timer = setInterval(() => plain || member.send({ type: "ping", id: freshId() }), 500);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

for (const { kind, plain } of KINDS) {
  Deno.test(`8.1 ${kind} gets expiring before the token expires`, async () => {
    await using running = await startServer({ env: { ...QUICK, EXPIRY_WARNING_SECONDS: "10" } });
    const exp = inSeconds(12);
    await using alice = await RoomClient.join(running, "r", { plain, claims: { exp } });
    using _alive = keepAlive(alice, plain);
    const { expires_at } = await alice.next("expiring");
    assertEquals(expires_at, exp);
    assertGreaterOrEqual(Date.now(), (exp - 10) * 1000);
  });

  Deno.test(`8.1 ${kind} gets expiring once right after joining if less than a minute is left`, async () => {
    await using running = await startServer({ env: QUICK });
    const exp = inSeconds(40);
    await using alice = await RoomClient.join(running, "r", { plain, claims: { exp } });
    using _alive = keepAlive(alice, plain);
    assertEquals(await alice.next("expiring"), { type: "expiring", expires_at: exp });
    for (let count = 0; count < 3; count++) await alice.next("pong");
    assertEquals((await alice.takeAll()).filter(({ type }) => type === "expiring"), []);
  });

  Deno.test(`8.2 a fresh token of the same user is answered with authenticated, and ${kind} stays connected`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await alice.present({});
    const exp = inSeconds(9999);
    const token = await running.issuer.token("alice", { claims: { exp } });
    assertEquals(await alice.request({ type: "auth", id: "a", token }), {
      type: "authenticated",
      id: "a",
      expires_at: exp,
    });
    assertEquals((await alice.publish("x")).offset, 1);
    assertEquals((await alice.next("message")).from, { user: "alice", connection: alice.connection });
    assertEquals((await alice.takeAll()).map(({ type }) => type), ["presence", "presence"]);
  });
}

Deno.test("8.1 expiring is sent for the fresh token too", async () => {
  await using running = await startServer({ env: QUICK });
  await using alice = await RoomClient.join(running, "r", { plain: true, claims: { exp: inSeconds(30) } });
  await alice.next("expiring");
  const exp = inSeconds(50);
  const token = await running.issuer.token("alice", { claims: { exp } });
  await alice.request({ type: "auth", id: "a", token });
  assertEquals(await alice.next("expiring"), { type: "expiring", expires_at: exp });
});

Deno.test("8.2 after a fresh token the connection has the permissions that authorize returns now", async () => {
  let allowed = EVERYTHING;
  const authorize: Authorize = ({ id }) => id === "alice" ? allowed : EVERYTHING;
  await using running = await startServer({ deps: { authorize } });
  await using alice = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await alice.present({ here: true });
  await bob.takeAll();
  allowed = { join: true, publish: false, presence: false, history: false };
  const token = await running.issuer.token("alice");
  assertEquals((await alice.request({ type: "auth", id: "1", token })).type, "authenticated");
  // A member without the presence permission leaves presence.
  assertEquals((await bob.takeAll()).map((frame) => frame.type === "presence" && frame.left), [
    [{ user: "alice", connection: alice.connection }],
  ]);
  await alice.takeAll();
  for (
    const frame of [
      publishFrame("x"),
      { type: "presence", id: freshId(), state: {} } as const,
      { type: "history", id: freshId(), after: 0, limit: 1 } as const,
    ]
  ) {
    const answer = await alice.request(frame);
    assert(answer.type === "error");
    assertEquals(answer.code, "forbidden");
  }
  await bob.present({ here: true });
  assertEquals(await alice.takeAll(), []);
  allowed = EVERYTHING;
  alice.send({ type: "auth", id: "2", token });
  assertEquals((await alice.answer("2")).type, "authenticated");
  const { members } = await alice.next("presence");
  assertEquals(members?.map(({ user }) => user), ["bob"]);
  assertEquals((await alice.publish("x")).offset, 1);
});

/** Bad tokens with their error codes. */
const BAD_TOKENS: readonly (readonly [string, string, (running: RunningServer) => Promise<string>])[] = [
  ["another user's", "forbidden", ({ issuer }) => issuer.token("bob")],
  ["no token", "invalid_token", () => Promise.resolve("nonsense")],
  ["empty", "invalid_token", () => Promise.resolve("")],
  ["another issuer's", "invalid_token", async () => await (await createIssuer()).token("alice")],
  ["expired", "token_expired", ({ issuer }) => issuer.token("alice", { claims: { exp: inSeconds(-60) } })],
];
for (const [what, code, createToken] of BAD_TOKENS) {
  for (const { kind, plain } of KINDS) {
    Deno.test(`8.3 a token that is ${what} is answered with ${code} for the field token, and ${kind} stays connected`, async () => {
      await using running = await startServer();
      await using alice = await RoomClient.join(running, "r", { plain });
      const answer = await alice.request({ type: "auth", id: "a", token: await createToken(running) });
      assert(answer.type === "error", JSON.stringify(answer));
      assertEquals([answer.code, answer.field, answer.id], [code, "token", "a"]);
      await alice.publish("x");
      assertEquals((await alice.next("message")).from.user, "alice");
    });
  }
}

Deno.test("8.3 a token that cannot be verified now is auth_unavailable for the field token, and the connection stays", async () => {
  await using running = await startServer();
  changeRoomServices(running, {
    verifier: {
      verify: () => Promise.resolve({ ok: false, code: "auth_unavailable", detail: "Auth is away." }),
    },
  });
  await using alice = await RoomClient.join(running, "r");
  const answer = await alice.request({ type: "auth", id: "a", token: await running.issuer.token("alice") });
  assert(answer.type === "error");
  assertEquals([answer.code, answer.field, answer.id], ["auth_unavailable", "token", "a"]);
  assert(answer.retry_after_ms !== undefined && answer.retry_after_ms > 0);
  assertEquals((await alice.publish("x")).offset, 1);
});

Deno.test("8.3 after a bad token the old token's expiry applies", async () => {
  await using running = await startServer({ env: { ...QUICK, EXPIRY_GRACE_SECONDS: "0" } });
  await using alice = await RoomClient.join(running, "r", { plain: true, claims: { exp: inSeconds(2) } });
  const later = await running.issuer.token("bob", { claims: { exp: inSeconds(999) } });
  assertEquals((await alice.request({ type: "auth", id: "a", token: later })).type, "error");
  assertEquals((await alice.closed()).code, 4401);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`8.4 the connection of ${kind} is closed with 4401 after the expiry and its grace period`, async () => {
    await using running = await startServer({ env: { ...QUICK, EXPIRY_GRACE_SECONDS: "1" } });
    const exp = inSeconds(1);
    await using alice = await RoomClient.join(running, "r", { plain, claims: { exp } });
    using _alive = keepAlive(alice, plain);
    assertEquals((await alice.closed()).code, 4401);
    assertGreaterOrEqual(Date.now(), (exp + 1) * 1000);
  });
}

Deno.test("8.4 a fresh token within the grace period keeps the connection open", async () => {
  await using running = await startServer({ env: { ...QUICK, EXPIRY_GRACE_SECONDS: "4" } });
  // Accepted within the clock skew.
  const claims = { exp: inSeconds(-2) };
  await using late = await RoomClient.join(running, "r", { plain: true, claims });
  await using never = await RoomClient.join(running, "r", { plain: true, claims });
  const token = await running.issuer.token("alice");
  assertEquals((await late.request({ type: "auth", id: "a", token })).type, "authenticated");
  assertEquals((await never.closed()).code, 4401);
  assertEquals((await late.publish("still here")).offset, 1);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`8.5 ${kind} whose user may no longer join gets forbidden and a close with 4403`, async () => {
    let allowed = EVERYTHING;
    await using running = await startServer({ deps: { authorize: () => allowed } });
    await using alice = await RoomClient.join(running, "r", { plain });
    allowed = NOTHING;
    const token = await running.issuer.token("alice");
    const answer = await alice.request({ type: "auth", id: "a", token });
    assert(answer.type === "error");
    assertEquals([answer.code, answer.id], ["forbidden", "a"]);
    assertEquals((await alice.closed()).code, 4403);
  });
}
