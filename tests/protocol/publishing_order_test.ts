/** docs/protocol.md, rule 5.10. */
import { assert, assertEquals } from "@std/assert";
import { ControlledStore } from "../support/controlled_store.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { takeMessageData } from "./member_frames.ts";

/** Starts a server whose store and clock the test controls. */
async function startOrderFixture(options: StartOptions = {}): Promise<OrderFixture> {
  const running = await startServer(options);
  const backplane = backplaneOf(running);
  const store = new ControlledStore(backplane);
  const time = { movedMs: 0 };
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, { publish: store.publish }),
    now: () => performance.now() + time.movedMs,
  });
  return { running, store, time, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

interface OrderFixture extends AsyncDisposable {
  readonly running: RunningServer;
  readonly store: ControlledStore;
  readonly time: { movedMs: number };
}

/** Sends each publish in its own message; expects an error with retry_after_ms for each. */
async function assertHeld(member: RoomClient, ids: readonly string[]): Promise<void> {
  for (const id of ids) member.send(publishFrame(id, { id }));
  for (const id of ids) {
    const answer = await member.answer(id);
    assert(answer.type === "error", `${id}: ${JSON.stringify(answer)}`);
    assertEquals([answer.code, answer.retry_after_ms], ["unavailable", 1_000], id);
  }
}

/** Sends each publish in its own message; expects an ack with the next offset for each. */
async function assertStored(
  { store }: OrderFixture,
  member: RoomClient,
  ids: readonly string[],
  first: number,
): Promise<void> {
  for (const id of ids) member.send(publishFrame(id, { id }));
  await store.untilWaiting(ids.length);
  await store.decide("stored");
  for (const [index, id] of ids.entries()) {
    assertEquals(await member.answer(id), { type: "ack", id, offset: first + index });
  }
}

/** Sends publishes and lets the first one fail. */
async function refuse(
  { store }: OrderFixture,
  member: RoomClient,
  ids: readonly string[],
  result: "refused" | "unknown" = "refused",
): Promise<void> {
  for (const id of ids) member.send(publishFrame(id, { id }));
  await store.untilWaiting(ids.length);
  await store.decide(result, 1);
  for (const id of ids) assertEquals((await member.answer(id)).type, "error", id);
}

for (const { kind, plain } of KINDS) {
  Deno.test(`5.10 after a refused publish of ${kind} no later one is stored until its retry, and then all in order`, async () => {
    await using fixture = await startOrderFixture();
    await using alice = await RoomClient.join(fixture.running, "r", { plain });
    await refuse(fixture, alice, ["a", "b", "c"]);
    await assertHeld(alice, ["d", "c", "b", "e"]);
    await assertStored(fixture, alice, ["a"], 1);
    await assertHeld(alice, ["c", "e", "f", "d"]);
    await assertStored(fixture, alice, ["b", "c", "d", "e", "f", "g"], 2);
    assertEquals(await takeMessageData(alice), ["a", "b", "c", "d", "e", "f", "g"]);
  });
}

Deno.test("5.10 later publishes wait also while the retry is refused repeatedly", async () => {
  await using fixture = await startOrderFixture();
  await using alice = await RoomClient.join(fixture.running, "r");
  for (let round = 0; round < 3; round++) {
    await refuse(fixture, alice, ["a", "b"]);
    await assertHeld(alice, ["c"]);
  }
  await assertStored(fixture, alice, ["a", "b", "c"], 1);
});

Deno.test("5.10 a refused publish that was stored keeps its first offset on the retry, and the others follow", async () => {
  await using fixture = await startOrderFixture();
  await using alice = await RoomClient.join(fixture.running, "r");
  await refuse(fixture, alice, ["a", "b"], "unknown");
  await assertStored(fixture, alice, ["a", "b"], 1);
  assertEquals(await takeMessageData(alice), ["a", "b"]);
});

Deno.test("5.10 a refused publish that was stored needs no retry: its delivery releases the others", async () => {
  await using fixture = await startOrderFixture();
  await using alice = await RoomClient.join(fixture.running, "r");
  await refuse(fixture, alice, ["a", "b"], "unknown");
  assertEquals((await alice.next("message")).data, "a");
  await assertStored(fixture, alice, ["b", "c"], 2);
});

Deno.test("5.10 neither another member nor another connection of the same user waits", async () => {
  await using fixture = await startOrderFixture();
  const { running } = fixture;
  await using alice = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await refuse(fixture, alice, ["a"]);
  await assertStored(fixture, laptop, ["b"], 1);
  await assertStored(fixture, bob, ["b"], 2);
  await assertStored(fixture, alice, ["a"], 3);
});

Deno.test("5.10 an ephemeral message does not wait", async () => {
  await using fixture = await startOrderFixture();
  await using alice = await RoomClient.join(fixture.running, "r");
  await refuse(fixture, alice, ["a"]);
  assertEquals((await alice.publish("now", { ephemeral: true })).offset, undefined);
  await assertHeld(alice, ["b"]);
  assertEquals(await takeMessageData(alice), ["now"]);
});

Deno.test("5.10 without a retry, later publishes are stored after five seconds", async () => {
  await using fixture = await startOrderFixture();
  await using alice = await RoomClient.join(fixture.running, "r");
  await refuse(fixture, alice, ["a"]);
  await assertHeld(alice, ["b"]);
  fixture.time.movedMs += 2_500;
  await assertHeld(alice, ["c"]);
  fixture.time.movedMs += 2_500;
  await assertStored(fixture, alice, ["d", "a"], 1);
});

Deno.test("5.10 a permanent refusal does not hold back later publishes", async () => {
  await using fixture = await startOrderFixture();
  await using alice = await RoomClient.join(fixture.running, "r");
  await refuse(fixture, alice, ["a", "b"]);
  const answer = await alice.request(publishFrame("a", { id: "a", to: { user: "alice" } }));
  assert(answer.type === "error");
  assertEquals(answer.code, "invalid_frame");
  // An unreadable frame is no publish.
  await assertHeld(alice, ["b"]);
  await assertStored(fixture, alice, ["a", "b"], 1);
});

Deno.test("5.10 a publish that failed with internal holds back later ones too", async () => {
  await using fixture = await startOrderFixture();
  await using alice = await RoomClient.join(fixture.running, "r");
  for (const id of ["a", "b"]) alice.send(publishFrame(id, { id }));
  await fixture.store.untilWaiting(2);
  await fixture.store.decide("refused", 1, new Error("a fault"));
  for (const id of ["a", "b"]) {
    const answer = await alice.answer(id);
    assert(answer.type === "error");
    assertEquals(answer.code, "internal");
  }
  await assertHeld(alice, ["b", "c"]);
  await assertStored(fixture, alice, ["a", "b", "c"], 1);
});

Deno.test("5.10 a rate_limited frame does not hold back later publishes", async () => {
  await using fixture = await startOrderFixture({ env: { FRAMES_BURST: "2", FRAMES_PER_SECOND: "1" } });
  await using alice = await RoomClient.join(fixture.running, "r");
  alice.send(["a", "b", "c"].map((id) => publishFrame(id, { id })));
  const answer = await alice.answer("c");
  assert(answer.type === "error");
  assertEquals(answer.code, "rate_limited");
  await fixture.store.decide("stored");
  fixture.time.movedMs += 2_000;
  await assertStored(fixture, alice, ["d", "c"], 3);
});

Deno.test("5.10 a publish that a full queue refused holds back later ones too", async () => {
  await using fixture = await startOrderFixture({ env: { MAX_QUEUED_FRAMES: "2" } });
  await using alice = await RoomClient.join(fixture.running, "r");
  alice.send(["a", "b", "c"].map((id) => publishFrame(id, { id })));
  const answer = await alice.answer("c");
  assert(answer.type === "error");
  assertEquals(answer.code, "rate_limited");
  await fixture.store.decide("stored");
  for (const id of ["a", "b"]) assertEquals((await alice.answer(id)).type, "ack");
  await assertHeld(alice, ["d"]);
  await assertStored(fixture, alice, ["c", "d"], 3);
});
