/** docs/protocol.md, rules 17.7 and 17.8. */
import { assert, assertEquals } from "@std/assert";
import { BackplaneUnavailable, type RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import {
  type Authorize,
  EVERYTHING,
  PolicyFailed,
  type RoomPermissions,
} from "../../packages/server/src/rooms/policy/authorize.ts";
import { ControlledStore } from "../support/controlled_store.ts";
import { RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { SharedClient } from "../support/shared_client.ts";
import { KINDS } from "./kinds.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`17.7 leave is acked, presence leaves at once, and no message follows: ${kind}`, async () => {
    await using running = await startServer({ env: { PRESENCE_GRACE_MS: "60000" } });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using alice = await SharedClient.connect(running, { plain });
    const { connection } = await alice.join("r");
    await alice.join("other");
    await alice.ask({ type: "presence", room: "r", state: {} });
    await alice.leave("r");
    assertEquals((await bob.next("presence")).members, []);
    assertEquals((await bob.next("presence")).joined?.[0]?.connection, connection);
    assertEquals((await bob.next("presence")).left?.[0]?.connection, connection);
    await alice.takeAll();
    await bob.publish("not for alice");
    assertEquals(await alice.takeAll(), []);
    await alice.publish("other", "still open");
  });
}

Deno.test("17.7 a room may be joined again right after leaving it", async () => {
  await using running = await startServer();
  await using alice = await SharedClient.connect(running);
  const first = await alice.join("r");
  alice.send([{ type: "leave", id: "l", room: "r" }, { type: "join", id: "j", room: "r" }]);
  const second = await alice.next("welcome");
  assert(second.connection !== first.connection);
  assertEquals((await alice.answer("l")).type, "ack");
  await alice.publish("r", 1);
  const { from } = await alice.next("message");
  assertEquals(from.connection, second.connection);
});

Deno.test("17.7 a publish under way is answered after a leave", async () => {
  await using running = await startServer();
  const store = new ControlledStore(backplaneOf(running));
  const backplane = changedBackplane(backplaneOf(running), { publish: store.publish });
  changeRoomServices(running, { backplane });
  await using alice = await SharedClient.connect(running);
  await alice.join("r");
  alice.send({ type: "publish", id: "p", room: "r", event: "e", data: 1 });
  await store.untilWaiting(1);
  await alice.leave("r");
  await store.decide("stored");
  assertEquals(await alice.answer("p"), { room: "rooms/r", type: "ack", id: "p", offset: 1 });
});

Deno.test("17.7 leave during a join takes the place of its answer", async () => {
  await using running = await startServer();
  const backplane = backplaneOf(running);
  const joining = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async subscribe(room, deliver) {
        joining.resolve();
        await gate.promise;
        return await backplane.subscribe(room, deliver);
      },
    }),
  });
  await using alice = await SharedClient.connect(running);
  alice.send({ type: "join", id: "j", room: "slow" });
  await joining.promise;
  alice.send([
    { type: "publish", id: "p", room: "slow", event: "e", data: 1 },
    { type: "leave", id: "l", room: "slow" },
  ]);
  assertEquals(await alice.takeAll(), []);
  gate.resolve();
  // Like a frame before the close of a room's own socket, the publish is handled all the same.
  assertEquals((await alice.answer("p")).type, "ack");
  assertEquals((await alice.answer("l")).type, "ack");
  assertEquals(await alice.takeAll(), []);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`17.8 a kick ends one membership with forbidden, and the room may be joined again: ${kind}`, async () => {
    await using running = await startServer();
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using alice = await SharedClient.connect(running, { plain });
    const { connection } = await alice.join("r");
    await alice.join("other");
    await alice.ask({ type: "presence", room: "r", state: {} });
    running.engine.deps.rooms.evict("rooms/r", { connection }, "Be nice.");
    const error = await alice.next("error");
    assertEquals(error, {
      room: "rooms/r",
      type: "error",
      code: "forbidden",
      message: "Be nice.",
      ended: true,
    });
    assertEquals((await bob.next("presence")).members, []);
    assertEquals((await bob.next("presence")).joined?.[0]?.connection, connection);
    assertEquals((await bob.next("presence")).left?.[0]?.connection, connection);
    const late = await alice.ask({ type: "publish", room: "r", event: "e", data: 1 });
    assertEquals(late.type === "error" && late.code, "not_joined");
    await alice.publish("other", "still open");
    await alice.join("r");
  });
}

Deno.test("17.8 a lost permission ends one membership with forbidden, a failed policy with unavailable", async () => {
  let outcome: RoomPermissions | Error = EVERYTHING;
  const refreshes = new Map<string, () => Promise<void>>();
  const authorize: Authorize = Object.assign(() => {
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }, {
    watch(_user: string, room: string, refresh: () => Promise<void>) {
      refreshes.set(room, refresh);
      return { refresh: () => {}, stop: () => {} };
    },
  });
  await using running = await startServer({ deps: { authorize } });
  await using alice = await SharedClient.connect(running);
  for (const room of ["a", "b", "c"]) await alice.join(room);
  outcome = { ...EVERYTHING, join: false };
  await refreshes.get("a")?.();
  const lost = await alice.next("error");
  assertEquals([lost.room, lost.code, lost.ended], ["rooms/a", "forbidden", true]);
  outcome = new PolicyFailed("The policy is broken.");
  await refreshes.get("b")?.();
  const failed = await alice.next("error");
  assertEquals([failed.room, failed.code, failed.ended], ["rooms/b", "unavailable", true]);
  assert(failed.retry_after_ms !== undefined);
  await alice.publish("c", "still open");
});

Deno.test("17.8 a lost history ends one membership with unavailable, and a resume reports the gap", async () => {
  await using running = await startServer();
  const backplane = backplaneOf(running);
  const reset = new Map<string, (event: RoomEvent) => void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async subscribe(room, deliver) {
        reset.set(room, deliver);
        return await backplane.subscribe(room, deliver);
      },
    }),
  });
  await using alice = await SharedClient.connect(running);
  await alice.join("a");
  await alice.join("b");
  reset.get("rooms/a")?.({ type: "reset" });
  const lost = await alice.next("error");
  assertEquals([lost.room, lost.code, lost.ended, lost.id], ["rooms/a", "unavailable", true, undefined]);
  assertEquals((await alice.join("a", { after: 7, epoch: "another" })).recovered, false);
  assertEquals((await alice.next("gap")).room, "rooms/a");
  await alice.publish("b", "still open");
});

Deno.test("17.8 a join that cannot reach its room, or fails, is answered with its id", async () => {
  await using running = await startServer();
  const backplane = backplaneOf(running);
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      subscribe(room, deliver) {
        if (room.endsWith("/away")) return Promise.reject(new BackplaneUnavailable("away"));
        if (room.endsWith("/broken")) return Promise.reject(new Error("broken"));
        return backplane.subscribe(room, deliver);
      },
    }),
  });
  await using alice = await SharedClient.connect(running);
  const away = await alice.refusedJoin("away");
  assertEquals([away.code, away.room, away.ended], ["unavailable", "rooms/away", true]);
  const broken = await alice.refusedJoin("broken");
  assertEquals([broken.code, broken.room, broken.ended], ["internal", "rooms/broken", true]);
  assert(away.retry_after_ms && broken.retry_after_ms);
  assertEquals((await running.logged("room.failed")).length, 1);
  await alice.join("fine");
});

Deno.test("17.8 a full room refuses with room_full", async () => {
  await using running = await startServer({ env: { MAX_MEMBERS_PER_ROOM: "1" } });
  await using _bob = await RoomClient.join(running, "r", { user: "bob" });
  await using alice = await SharedClient.connect(running);
  const full = await alice.refusedJoin("r");
  assertEquals([full.code, full.ended], ["room_full", true]);
});
