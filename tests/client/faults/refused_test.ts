import { assert, assertEquals, assertRejects } from "@std/assert";
import { RoomError, type RoomOptions } from "../../../packages/client/mod.ts";
import { EVERYTHING, NOTHING } from "../../../packages/server/src/rooms/policy/authorize.ts";
import { eventually } from "../../../tools/support/eventually.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { RoomClient } from "../../support/room_client.ts";
import type { StartOptions } from "../../support/running_server.ts";
import { ManualClock } from "../manual_clock.ts";
import { FollowedRoom, quick } from "./followed_room.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";

/** A refusal for which trying again cannot help. */
interface Final {
  readonly what: string;
  readonly path?: string;
  readonly service?: StartOptions;
  readonly options?: Partial<RoomOptions>;
  readonly code: string;
  readonly field?: string;
}

const FINAL: readonly Final[] = [
  {
    what: "a room that the user may not join",
    service: { deps: { authorize: () => NOTHING } },
    code: "forbidden",
  },
  {
    what: "history that the user may not read",
    service: { deps: { authorize: () => ({ ...EVERYTHING, history: false }) } },
    options: { history: 5 },
    code: "forbidden",
    field: "query.history",
  },
  { what: "an endpoint that there is not", path: "/realtime/nothing/r", code: "not_found" },
  {
    what: "a room id that is none",
    path: "/realtime/rooms/a%20b",
    code: "invalid_request",
    field: "param.id",
  },
];

for (const { what, path = PATH, service, options, code, field } of FINAL) {
  Deno.test(`${what}: found out over HTTP, and the room is closed with ${code}`, async () => {
    await using running = await startStoppable(service);
    await using proxy = FaultProxy.start(running.port);
    await using alice = FollowedRoom.connect(proxy.url(path), quick(running, "alice", options));
    const said = assertRejects(() => alice.room.publish("chat", 1), RoomError);
    const reason = await assertRejects(() => alice.room.live(), RoomError);
    assertEquals([reason.code, reason.field], [code, field]);
    assertEquals((await said).code, code);
    assertEquals(alice.room.state, { type: "closed", reason });
    assertEquals(alice.room.pending, 0);
    assert(reason.requestId !== undefined, "it can be found in the logs");
    assertEquals(proxy.connections.length, 1);
  });
}

/** A refusal that passes. */
interface Passing {
  readonly what: string;
  readonly env: Readonly<Record<string, string>>;
  /** Member that takes the last place. */
  readonly other: string;
  readonly code: string;
  readonly waitMs: number;
}

const PASSING: readonly Passing[] = [
  {
    what: "a room that is full",
    env: { MAX_MEMBERS_PER_ROOM: "1" },
    other: "bob",
    code: "room_full",
    waitMs: 10_000,
  },
  {
    what: "one connection too many of the user",
    env: { MAX_CONNECTIONS_PER_USER: "1" },
    other: "alice",
    code: "too_many_connections",
    waitMs: 10_000,
  },
  {
    what: "an isolate that is full",
    env: { MAX_CONNECTIONS: "1", MAX_CONNECTIONS_PER_USER: "1" },
    other: "bob",
    code: "overloaded",
    waitMs: 1_000,
  },
];

for (const { what, env, other, code, waitMs } of PASSING) {
  Deno.test(`${what}: found out over HTTP, and tried again when the server says`, async () => {
    await using running = await startStoppable({ env });
    await using proxy = FaultProxy.start(running.port);
    await using first = await RoomClient.join(running, "r", { user: other });
    const clock = new ManualClock();
    const options = quick(running, "alice", { clock, random: () => 0 });
    await using alice = FollowedRoom.connect(proxy.url(PATH), options);
    const said = alice.room.publish("chat", 1);
    await alice.until(() => alice.waits.length === 1, "the refusal");
    const { state } = alice.room;
    assert(state.type === "waiting");
    assertEquals([state.reason.code, state.retryAt - clock.wallNow()], [code, waitMs]);
    first.close(1000);
    await first.closed();
    await running.logged("socket.close");
    await clock.pass(waitMs - 1);
    assertEquals(alice.room.state, state);
    await clock.pass(1);
    assertEquals(await said, 1);
  });
}

Deno.test("refused although the room answers over HTTP, or not reached at all: tried again, and it says which", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  proxy.next({ refuse: true }, { refuse: true });
  proxy.nextHttp({}, {}, { refuse: true });
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.untilLive(1);
  assertEquals(alice.waits, ["refused", "unreachable"]);
  // Finding out has left nobody behind in the room.
  const { rooms } = running.engine.deps;
  await eventually(() => Promise.resolve(rooms.count().members), (members) => members === 1);
});
