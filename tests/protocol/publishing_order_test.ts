/** docs/protocol.md, rule 5.10. */
import { assert, assertEquals } from "@std/assert";
import { CommandedStore } from "../support/commanded_store.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { dataOf } from "./told.ts";

/** A service whose store does what the test says, and whose time it moves. */
async function startScene(options: StartOptions = {}): Promise<Scene> {
  const running = await startServer(options);
  const backplane = backplaneOf(running);
  const store = new CommandedStore(backplane);
  const time = { movedMs: 0 };
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, { publish: store.publish }),
    now: () => Date.now() + time.movedMs,
  });
  return { running, store, time, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

interface Scene extends AsyncDisposable {
  readonly running: RunningServer;
  readonly store: CommandedStore;
  readonly time: { movedMs: number };
}

/** Sends each in a message of its own; each is to be told to come again. */
async function assertHeld(member: RoomClient, ids: readonly string[]): Promise<void> {
  for (const id of ids) member.send(publishFrame(id, { id }));
  for (const id of ids) {
    const answer = await member.answer(id);
    assert(answer.type === "error", `${id}: ${JSON.stringify(answer)}`);
    assertEquals([answer.code, answer.retry_after_ms], ["unavailable", 1_000], id);
  }
}

/** Sends each in a message of its own; each is to be stored, with the offset that comes next. */
async function assertStored(
  { store }: Scene,
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

/** Sends them, and has the first one fail. */
async function refuse(
  { store }: Scene,
  member: RoomClient,
  ids: readonly string[],
  fate: "refused" | "unknown" = "refused",
): Promise<void> {
  for (const id of ids) member.send(publishFrame(id, { id }));
  await store.untilWaiting(ids.length);
  await store.decide(fate, 1);
  for (const id of ids) assertEquals((await member.answer(id)).type, "error", id);
}

for (const { kind, plain } of KINDS) {
  Deno.test(`5.10 behind a publish of ${kind} that was refused nothing is stored until it comes again, and then all in order`, async () => {
    await using scene = await startScene();
    await using alice = await RoomClient.join(scene.running, "r", { plain });
    await refuse(scene, alice, ["a", "b", "c"]);
    await assertHeld(alice, ["d", "c", "b", "e"]);
    await assertStored(scene, alice, ["a"], 1);
    await assertHeld(alice, ["c", "e", "f", "d"]);
    await assertStored(scene, alice, ["b", "c", "d", "e", "f", "g"], 2);
    assertEquals(await dataOf(alice), ["a", "b", "c", "d", "e", "f", "g"]);
  });
}

Deno.test("5.10 also when it is refused again, and again", async () => {
  await using scene = await startScene();
  await using alice = await RoomClient.join(scene.running, "r");
  for (let round = 0; round < 3; round++) {
    await refuse(scene, alice, ["a", "b"]);
    await assertHeld(alice, ["c"]);
  }
  await assertStored(scene, alice, ["a", "b", "c"], 1);
});

Deno.test("5.10 one that was stored all the same has its first offset when it comes again, and the others follow", async () => {
  await using scene = await startScene();
  await using alice = await RoomClient.join(scene.running, "r");
  await refuse(scene, alice, ["a", "b"], "unknown");
  await assertStored(scene, alice, ["a", "b"], 1);
  assertEquals(await dataOf(alice), ["a", "b"]);
});

Deno.test("5.10 one that was stored all the same need not come again: its sender has seen it delivered", async () => {
  await using scene = await startScene();
  await using alice = await RoomClient.join(scene.running, "r");
  await refuse(scene, alice, ["a", "b"], "unknown");
  assertEquals((await alice.next("message")).data, "a");
  await assertStored(scene, alice, ["b", "c"], 2);
});

Deno.test("5.10 neither another member nor another connection of the same user waits for it", async () => {
  await using scene = await startScene();
  const { running } = scene;
  await using alice = await RoomClient.join(running, "r");
  await using laptop = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await refuse(scene, alice, ["a"]);
  await assertStored(scene, laptop, ["b"], 1);
  await assertStored(scene, bob, ["b"], 2);
  await assertStored(scene, alice, ["a"], 3);
});

Deno.test("5.10 an ephemeral message does not wait for it", async () => {
  await using scene = await startScene();
  await using alice = await RoomClient.join(scene.running, "r");
  await refuse(scene, alice, ["a"]);
  assertEquals((await alice.publish("now", { ephemeral: true })).offset, undefined);
  await assertHeld(alice, ["b"]);
  assertEquals(await dataOf(alice), ["now"]);
});

Deno.test("5.10 whoever does not send it again may go on after five seconds", async () => {
  await using scene = await startScene();
  await using alice = await RoomClient.join(scene.running, "r");
  await refuse(scene, alice, ["a"]);
  await assertHeld(alice, ["b"]);
  scene.time.movedMs += 2_500;
  await assertHeld(alice, ["c"]);
  scene.time.movedMs += 2_500;
  await assertStored(scene, alice, ["d", "a"], 1);
});

Deno.test("5.10 one that is refused for good is not waited for", async () => {
  await using scene = await startScene();
  await using alice = await RoomClient.join(scene.running, "r");
  await refuse(scene, alice, ["a", "b"]);
  const answer = await alice.request(publishFrame("a", { id: "a", to: { user: "alice" } }));
  assert(answer.type === "error");
  assertEquals(answer.code, "invalid_frame");
  // A frame that cannot be read is none of anybody's publishes.
  await assertHeld(alice, ["b"]);
  await assertStored(scene, alice, ["a", "b"], 1);
});

Deno.test("5.10 one that failed by a fault of ours is waited for too", async () => {
  await using scene = await startScene();
  await using alice = await RoomClient.join(scene.running, "r");
  for (const id of ["a", "b"]) alice.send(publishFrame(id, { id }));
  await scene.store.untilWaiting(2);
  await scene.store.decide("refused", 1, new Error("a fault"));
  for (const id of ["a", "b"]) {
    const answer = await alice.answer(id);
    assert(answer.type === "error");
    assertEquals(answer.code, "internal");
  }
  await assertHeld(alice, ["b", "c"]);
  await assertStored(scene, alice, ["a", "b", "c"], 1);
});

Deno.test("5.10 a frame that came too fast is not waited for", async () => {
  await using scene = await startScene({ env: { FRAMES_BURST: "2", FRAMES_PER_SECOND: "1" } });
  await using alice = await RoomClient.join(scene.running, "r");
  alice.send(["a", "b", "c"].map((id) => publishFrame(id, { id })));
  const answer = await alice.answer("c");
  assert(answer.type === "error");
  assertEquals(answer.code, "rate_limited");
  await scene.store.decide("stored");
  scene.time.movedMs += 2_000;
  await assertStored(scene, alice, ["d", "c"], 3);
});

Deno.test("5.10 one that is refused since too many wait is waited for too", async () => {
  await using scene = await startScene({ env: { MAX_QUEUED_FRAMES: "2" } });
  await using alice = await RoomClient.join(scene.running, "r");
  alice.send(["a", "b", "c"].map((id) => publishFrame(id, { id })));
  const answer = await alice.answer("c");
  assert(answer.type === "error");
  assertEquals(answer.code, "rate_limited");
  await scene.store.decide("stored");
  for (const id of ["a", "b"]) assertEquals((await alice.answer(id)).type, "ack");
  await assertHeld(alice, ["d"]);
  await assertStored(scene, alice, ["c", "d"], 3);
});
