/** docs/protocol.md, rules 10.1 to 10.3, 10.5 and 10.6; 10.4 is in slow_reader_test.ts. */
import { assert, assertEquals } from "@std/assert";
import { EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { delay } from "@std/async";
import { connect } from "../support/handshake.ts";
import { assertProblem } from "../support/problem.ts";
import { freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** One per second, so that a busy machine allows few frames beyond the burst. */
const FIVE = { FRAMES_BURST: "5", FRAMES_PER_SECOND: "1" };

for (const { kind, plain } of KINDS) {
  Deno.test(`10.1 frames above frames_burst are rate_limited and not handled: ${kind}`, async () => {
    await using running = await startServer({ env: FIVE });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using alice = await RoomClient.join(running, "r", { plain });
    const frames = Array.from({ length: 9 }, (_, index) => publishFrame(index));
    for (const frame of frames) alice.send(frame);
    let taken = 0;
    for (const { id } of frames) {
      const answer = await alice.answer(id);
      if (answer.type === "ack") taken++;
      else {
        assert(answer.type === "error");
        const { code, retry_after_ms = 0 } = answer;
        assertEquals(code, "rate_limited");
        assert(retry_after_ms > 0 && retry_after_ms <= 1000, String(retry_after_ms));
      }
    }
    assert(taken >= 5 && taken < 9, `${taken} were taken`);
    const received = (await bob.takeAll()).filter(({ type }) => type === "message");
    assertEquals(received.length, taken);
  });
}

Deno.test("10.1 each frame of an array counts", async () => {
  await using running = await startServer({ env: FIVE });
  await using alice = await RoomClient.join(running, "r");
  const frames = Array.from({ length: 8 }, () => ({ type: "ping", id: freshId() }) as const);
  alice.send(frames);
  const answers = [];
  for (const { id } of frames) answers.push((await alice.answer(id)).type);
  assertEquals(answers, [...Array(5).fill("pong"), ...Array(3).fill("error")]);
});

Deno.test("10.1 invalid frames count too", async () => {
  await using running = await startServer({ env: FIVE });
  await using alice = await RoomClient.join(running, "r");
  for (let count = 0; count < 6; count++) alice.sendRaw(count % 2 ? "nonsense" : "[]");
  const codes = [];
  for (let count = 0; count < 6; count++) codes.push((await alice.next("error")).code);
  assertEquals([codes[0], codes[5]], ["invalid_frame", "rate_limited"]);
});

Deno.test("10.1 frames_per_second is an average: after retry_after_ms a refused frame is accepted", async () => {
  await using running = await startServer({ env: { FRAMES_BURST: "1", FRAMES_PER_SECOND: "2" } });
  await using alice = await RoomClient.join(running, "r");
  const startedAt = Date.now();
  await alice.publish(0);
  for (let count = 1; count <= 4; count++) {
    const frame = publishFrame(count);
    const answer = await alice.request(frame);
    // A slow machine may refuse no frame.
    if (answer.type === "ack") continue;
    assert(answer.type === "error");
    assertEquals(answer.code, "rate_limited");
    await delay(answer.retry_after_ms ?? 0);
    assertEquals((await alice.request(frame)).type, "ack");
  }
  assert(Date.now() - startedAt >= 1_990, "five were taken in less than two seconds");
  assertEquals(await alice.offsets(5), [1, 2, 3, 4, 5]);
});

Deno.test("10.1 each connection has its own limit", async () => {
  await using running = await startServer({ env: FIVE });
  await using phone = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r");
  for (let count = 0; count < 20; count++) phone.send({ type: "ping", id: freshId() });
  await phone.next("error");
  for (let count = 0; count < 5; count++) await laptop.publish(count);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`10.2 ${kind} that keeps sending is closed with 4429, and the last error has retry_after_ms`, async () => {
    await using running = await startServer({ env: FIVE });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using alice = await RoomClient.join(running, "r", { plain });
    const frames = Array.from({ length: 100 }, () => ({ type: "ping", id: freshId() }) as const);
    if (plain) { for (const frame of frames) alice.send(frame); }
    else alice.send(frames);
    assertEquals((await alice.closed()).code, 4429);
    const errors = [];
    let pongs = 0;
    for (const { id } of frames) {
      // The server refuses ten bursts before it closes.
      if (errors.length > 50) break;
      const answer = await alice.answer(id);
      if (answer.type === "error") errors.push(answer);
      else pongs++;
    }
    assert(pongs >= 5 && pongs < 10, `${pongs} were taken`);
    for (const { code } of errors) assertEquals(code, "rate_limited");
    const { retry_after_ms: wait = 0 } = errors.at(-1) ?? {};
    assert(wait > (errors[0]?.retry_after_ms ?? 0), `the last error has retry_after_ms ${wait}`);
    assertEquals((await bob.publish("nobody else is closed")).offset, 1);
  });

  Deno.test(`10.3 a message above max_frame_bytes closes its sender only, with 1009: ${kind}`, async () => {
    await using running = await startServer({ env: { MAX_FRAME_BYTES: "1000" } });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using alice = await RoomClient.join(running, "r", { plain });
    const empty = JSON.stringify(publishFrame("", { id: "1" })).length;
    assertEquals((await alice.publish("ä".repeat((1000 - empty) >> 1), { id: "1" })).offset, 1);
    alice.send(publishFrame("ä".repeat(((1000 - empty) >> 1) + 1), { id: "2" }));
    assertEquals((await alice.closed()).code, 1009);
    assertEquals((await bob.publish("marker")).offset, 2);
  });
}

Deno.test("10.5 a full room refuses with 503 room_full, and accepts members after one has left", async () => {
  await using running = await startServer({ env: { MAX_MEMBERS_PER_ROOM: "2" } });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const carol = await RoomClient.join(running, "r", { user: "carol" });
  const full = { status: 503, code: "room_full", title: "Room full" };
  assertProblem(await connect(running, "/rooms/r"), full);
  await using _elsewhere = await RoomClient.join(running, "other");
  await carol[Symbol.asyncDispose]();
  await running.logged("socket.close");
  await using alice = await RoomClient.join(running, "r");
  await alice.publish("in");
  assertEquals((await bob.next("message")).data, "in");
  assertProblem(await connect(running, "/rooms/r"), full);
});

Deno.test("10.2 the last error has retry_after_ms also when too many frames wait for a slow one", async () => {
  const gate = Promise.withResolvers<void>();
  let isJoined = false;
  await using running = await startServer({
    env: { MAX_QUEUED_FRAMES: "3", FRAMES_BURST: "3" },
    deps: {
      async authorize() {
        if (isJoined) await gate.promise;
        return EVERYTHING;
      },
    },
  });
  await using alice = await RoomClient.join(running, "r");
  isJoined = true;
  alice.send({ type: "auth", id: "a", token: await running.issuer.token("alice") });
  for (let count = 0; count < 5; count++) alice.send({ type: "ping", id: freshId() });
  assertEquals((await alice.closed()).code, 4429);
  gate.resolve();
  const { code, retry_after_ms } = await alice.next("error");
  assertEquals(code, "rate_limited");
  assert(retry_after_ms !== undefined && retry_after_ms > 0);
});

Deno.test("10.6 more than five fresh tokens at once are rate_limited, and the member stays", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const ids = Array.from({ length: 8 }, freshId);
  const token = await running.issuer.token("alice");
  for (const id of ids) alice.send({ type: "auth", id, token });
  const answers = [];
  for (const id of ids) answers.push(await alice.answer(id));
  const refused = answers.filter((answer) => answer.type === "error");
  assertEquals(answers.slice(0, 5).map(({ type }) => type), Array(5).fill("authenticated"));
  assert(refused.length >= 2, `${refused.length} of 8 were refused`);
  for (const { code, retry_after_ms = 0 } of refused) {
    assertEquals(code, "rate_limited");
    assert(retry_after_ms > 0 && retry_after_ms <= 1_000, `${retry_after_ms} ms`);
  }
  await alice.publish("still here");
});
