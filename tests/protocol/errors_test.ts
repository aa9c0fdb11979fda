/** docs/protocol.md, section 13. */
import { assert, assertEquals } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { type ErrorCode, ERRORS } from "../../packages/protocol/error_codes.ts";
import { EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { connect } from "../support/handshake.ts";
import { freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** One frame of each kind that needs the backplane. */
function frames() {
  return [
    publishFrame("x"),
    publishFrame("x", { ephemeral: true }),
    { type: "presence", id: freshId(), state: {} },
    { type: "presence", id: freshId(), state: null },
    { type: "history", id: freshId(), after: 0, limit: 1 },
  ] as const;
}

/** Makes every later call of the backplane fail with an error. */
function breakBackplane(running: RunningServer, error: Error): void {
  const fail = () => Promise.reject(error);
  changeRoomServices(running, {
    backplane: changedBackplane(backplaneOf(running), {
      publish: fail,
      emit: fail,
      enter: fail,
      leave: fail,
      history: fail,
    }),
  });
}

for (const { kind, plain } of KINDS) {
  Deno.test(`13.1 an error carries the id of its frame and does not close the connection: ${kind}`, async () => {
    await using running = await startServer({ env: { FRAMES_BURST: "9", FRAMES_PER_SECOND: "1" } });
    breakBackplane(running, new BackplaneUnavailable("away"));
    await using alice = await RoomClient.join(running, "r", { plain });
    for (const frame of frames()) {
      const answer = await alice.request(frame);
      assert(answer.type === "error");
      assertEquals(answer.code, "unavailable", JSON.stringify(frame));
    }
    alice.sendJson({ type: "dance", id: "dance" });
    assertEquals((await alice.answer("dance")).type, "error");
    alice.sendJson({ type: "dance" });
    assertEquals((await alice.next("error")).id, undefined);
    for (let id = 0; id < 9; id++) alice.send({ type: "ping", id: String(id) });
    const answers = [];
    for (let id = 0; id < 9; id++) answers.push((await alice.answer(String(id))).type);
    assert(answers.includes("pong") && answers.at(-1) === "error", String(answers));
    // Still open: a close would have arrived before this answer.
    assertEquals((await alice.request({ type: "ping", id: "last" })).type, "error");
  });

  Deno.test(`13.3 a server fault answers the frame with internal, logs a line and affects no other member: ${kind}`, async () => {
    await using running = await startServer();
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    breakBackplane(running, new Error("the secret inner life"));
    await using alice = await RoomClient.join(running, "r", { plain });
    for (const frame of frames()) {
      const answer = await alice.request(frame);
      assert(answer.type === "error");
      assertEquals([answer.code, answer.id], ["internal", frame.id]);
      assert(!JSON.stringify(answer).includes("secret"), JSON.stringify(answer));
    }
    const lines = await running.logged("room.failed", frames().length);
    assert(lines.every((line) => JSON.stringify(line).includes("the secret inner life")));
    assertEquals((await alice.request({ type: "ping", id: "1" })).type, "pong");
    assertEquals((await bob.takeAll()).map(({ type }) => type), ["presence"]);
    assertEquals((await bob.publish("fine")).offset, 1);
  });
}

Deno.test("13.3 a failing authorize hook answers the auth frame with internal", async () => {
  let isBroken = false;
  await using running = await startServer({
    deps: { authorize: () => isBroken ? Promise.reject(new Error("the secret")) : EVERYTHING },
  });
  await using alice = await RoomClient.join(running, "r");
  isBroken = true;
  const token = await running.issuer.token("alice");
  const answer = await alice.request({ type: "auth", id: "a", token });
  assert(answer.type === "error");
  assertEquals([answer.code, answer.id], ["internal", "a"]);
  assertEquals((await alice.publish("x")).offset, 1);
});

Deno.test("13.2 every retryable code has retry_after_ms, and no other code has it", async () => {
  await using running = await startServer({ env: { FRAMES_BURST: "9", FRAMES_PER_SECOND: "1" } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const seen = new Map<ErrorCode, number | undefined>();
  const collect = async (member: RoomClient, frame: Parameters<RoomClient["request"]>[0]) => {
    const answer = await member.request(frame);
    assert(answer.type === "error");
    seen.set(answer.code, answer.retry_after_ms);
  };
  await collect(bob, publishFrame("x", { to: { user: "bob" } }));
  await collect(bob, { type: "auth", id: "1", token: "nonsense" });
  await collect(bob, { type: "auth", id: "2", token: await running.issuer.token("alice") });
  for (let count = 0; count < 9; count++) bob.send(publishFrame(count, { id: `b${count}` }));
  await bob.answer("b8");
  await collect(bob, { type: "ping", id: "3" });
  breakBackplane(running, new BackplaneUnavailable("away"));
  await using alice = await RoomClient.join(running, "r");
  await collect(alice, publishFrame("x"));
  breakBackplane(running, new Error("broken"));
  await using carol = await RoomClient.join(running, "r", { user: "carol" });
  await collect(carol, publishFrame("x"));
  assertEquals([...seen.keys()].sort(), [
    "forbidden",
    "internal",
    "invalid_frame",
    "invalid_token",
    "rate_limited",
    "unavailable",
  ]);
  for (const [code, wait] of seen) assertEquals(wait !== undefined, ERRORS[code].retryable, code);
});

/** Retryable refusals before the upgrade, with their causes. */
const REFUSALS: readonly (readonly [ErrorCode, (running: RunningServer) => Promise<void> | void])[] = [
  ["overloaded", ({ engine }) => engine.connections.drain("test", 0)],
  ["internal", ({ engine }) => {
    Object.assign(engine.deps, { authorize: () => Promise.reject(new Error("broken")) });
  }],
  ["auth_unavailable", ({ engine }) => {
    const verification = { ok: false, code: "auth_unavailable", detail: "Auth is away." };
    Object.assign(engine.deps, { verifier: { verify: () => Promise.resolve(verification) } });
  }],
];
for (const [code, bringAbout] of REFUSALS) {
  Deno.test(`13.2 ${code} over HTTP has retry_after_ms and Retry-After`, async () => {
    await using running = await startServer();
    await bringAbout(running);
    await assertRetry(running, code);
  });
}

for (
  const [code, env] of [
    ["room_full", { MAX_MEMBERS_PER_ROOM: "1" }],
    ["too_many_connections", { MAX_CONNECTIONS_PER_USER: "1" }],
  ] as const
) {
  Deno.test(`13.2 ${code} over HTTP has retry_after_ms and Retry-After`, async () => {
    await using running = await startServer({ env });
    await using _member = await RoomClient.join(running, "r");
    await assertRetry(running, code);
  });
}

async function assertRetry(running: RunningServer, expected: ErrorCode): Promise<void> {
  const { headers, body } = await connect(running, "/rooms/r");
  const { code, retry_after_ms } = JSON.parse(body);
  assertEquals(code, expected);
  assertEquals(retry_after_ms, Number(headers.get("retry-after")) * 1000);
  assert(retry_after_ms > 0);
}

Deno.test("13.2 a refusal that is not retryable has neither", async () => {
  await using running = await startServer();
  const { headers, body } = await connect(running, "/rooms/r?history=x");
  assertEquals([headers.get("retry-after"), JSON.parse(body).retry_after_ms], [null, undefined]);
});
