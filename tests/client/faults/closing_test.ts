import { assert, assertEquals, assertRejects } from "@std/assert";
import { RoomError, type RoomOptions } from "../../../packages/client/mod.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { before, type Faults, lostAck, within } from "../../support/fault_proxy/faults.ts";
import { RoomClient } from "../../support/room_client.ts";
import { storeMessages } from "../../support/room_services.ts";
import { Trace } from "../../support/trace.ts";
import { ManualClock } from "../manual_clock.ts";
import { FollowedRoom, oneTo, quick } from "./followed_room.ts";
import { observedSocket } from "./observed_socket.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";

/** Objects for reaching a phase. */
interface Scene {
  readonly alice: FollowedRoom;
  readonly proxy: FaultProxy;
  /** Events of her sockets and her token callback. */
  readonly happened: Trace;
}

/** State of a room at the moment of its close. */
interface Phase {
  readonly name: string;
  /** Of her first connection. */
  readonly faults?: Faults;
  readonly http?: Faults;
  readonly options?: Partial<RoomOptions>;
  /** The token callback does not answer. */
  readonly withoutToken?: true;
  reached(scene: Scene): Promise<void>;
}

const isType = (type: string) => ({ alice }: Scene) =>
  alice.until(() => alice.room.state.type === type, `the state ${type}`);

const PHASES: readonly Phase[] = [
  {
    name: "the token callback is being waited for",
    withoutToken: true,
    reached: ({ happened }) => happened.until("asked"),
  },
  {
    name: "the upgrade is on its way",
    faults: { hold: {} },
    reached: ({ proxy }) => proxy.until("held"),
  },
  {
    name: "welcome is being waited for",
    faults: { hold: { from: before("toClient", { type: "welcome" }) } },
    async reached({ proxy, happened }) {
      await proxy.until("held");
      await happened.until("open");
    },
  },
  {
    name: "history is being replayed",
    faults: { hold: { from: within("toClient", { type: "message", nth: 2 }, 100) } },
    options: { history: 500 },
    reached: ({ alice }) => alice.until(() => alice.messages.length > 0, "a message"),
  },
  { name: "it is live", reached: isType("live") },
  {
    name: "an ack is being waited for",
    faults: { hold: { from: lostAck("held") } },
    async reached({ alice, proxy }) {
      await alice.untilLive(1);
      alice.room.publish("chat", "held", { id: "held" }).catch(() => {/* closed */});
      await proxy.until("held");
    },
  },
  {
    name: "it waits for the next attempt",
    faults: { cut: before("toClient", { type: "welcome" }) },
    options: { retry: { minMs: 60_000 }, random: () => 0.9 },
    reached: isType("waiting"),
  },
  {
    name: "it is being found out why it was refused",
    faults: { refuse: true },
    http: { hold: {} },
    reached: ({ proxy }) => proxy.until("held"),
  },
];

for (const { name, faults = {}, http = {}, options = {}, withoutToken, reached } of PHASES) {
  Deno.test(`closed while ${name}: at once, for good, and nothing is left`, async () => {
    await using running = await startStoppable();
    await storeMessages(running, "r", 1_000);
    await using proxy = FaultProxy.start(running.port);
    proxy.next(faults);
    proxy.nextHttp(http);
    const happened = new Trace();
    const clock = new ManualClock();
    const never = Promise.withResolvers<string>();
    await using alice = FollowedRoom.connect(
      proxy.url(PATH),
      quick(running, "alice", {
        clock,
        async token() {
          happened.add("asked");
          return await (withoutToken ? never.promise : running.issuer.token("alice"));
        },
        WebSocket: observedSocket({ onOpen: () => happened.add("open") }),
        ...options,
      }),
    );
    await reached({ alice, proxy, happened });
    const { room } = alice;
    const waiting = [room.publish("chat", 1), room.presence.enter({}), room.history({ before: 10 })]
      .map((request) => assertRejects(() => request, RoomError));
    const closing = room.close();
    const { state } = alice.room;
    assert(state.type === "closed");
    assertEquals(state.reason.code, "closed");
    const states = alice.states.length;
    for (const connection of proxy.connections) connection.release();
    never.resolve("late");
    await closing;
    waiting.push(assertRejects(() => room.publish("chat", 2), RoomError));
    for (const rejected of waiting) assertEquals((await rejected).code, "closed");
    await room.close();
    assertEquals([clock.waiting, room.pending, alice.states.length], [0, 0, states]);
    assert(proxy.connections.length <= 1, `${proxy.connections.length} connections`);
  });
}

Deno.test("a peer that does not answer the close is waited for three seconds", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  const clock = new ManualClock();
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { clock }));
  await alice.untilLive(1);
  proxy.hold();
  let isClosed = false;
  const closing = alice.room.close().then(() => void (isClosed = true));
  assertEquals(alice.room.state.type, "closed");
  await clock.pass(2_999);
  assertEquals(isClosed, false);
  await clock.pass(1);
  await closing;
  assertEquals(clock.waiting, 0);
  // Else the socket would outlive this test.
  proxy.release();
  await running.logged("socket.close");
  await proxy.until("closed");
});

Deno.test("closed by a listener, whatever it is told, nothing more is told but the end", async () => {
  for (const kind of ["state", "message", "frame", "presence"] as const) {
    await using running = await startStoppable();
    await storeMessages(running, "r", 10);
    await using proxy = FaultProxy.start(running.port);
    await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { history: 10 }));
    const { room } = alice;
    let told = 0;
    room.on(kind, () => {
      if (room.state.type !== "live" || told++ < 0) return;
      void room.close();
    });
    await alice.until(() => room.state.type === "closed", "the end");
    await room.close();
    assertEquals([kind, told], [kind, 1]);
    assertEquals(alice.states.map(({ type }) => type), ["connecting", "live", "closed"]);
    const seen = alice.messages.length;
    assert(seen <= 1 || kind === "presence", `${seen} messages`);
    if (kind !== "message") continue;
    // The missed messages arrive after the next `open`.
    const [first = 0] = alice.offsets;
    told = -Infinity;
    room.open();
    await alice.untilMessages(10);
    assertEquals(alice.offsets, oneTo(10).map((index) => first + index - 1));
  }
});

Deno.test("an aborted signal closes it, and one that is aborted already keeps it from beginning", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  const controller = new AbortController();
  const options = quick(running, "alice", { signal: controller.signal });
  await using alice = FollowedRoom.connect(proxy.url(PATH), options);
  await alice.untilLive(1);
  controller.abort();
  assertEquals(alice.room.state.type, "closed");
  assertEquals(alice.waits, ["aborted"]);
  await using late = FollowedRoom.connect(proxy.url(PATH), options);
  assertEquals((await assertRejects(() => late.room.live(), RoomError)).code, "aborted");
  assertEquals(proxy.requests.length, 1);
});

Deno.test("what is published right before the close is sent and stored, and its promise says closed", async () => {
  await using running = await startStoppable();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  await alice.untilLive(1);
  const said = assertRejects(() => alice.room.publish("chat", "bye"), RoomError);
  await alice.room.close();
  assertEquals((await said).code, "closed");
  assertEquals((await bob.next("message")).data, "bye");
  // The next session recognizes it.
  alice.room.open();
  await alice.untilLive(2);
  await alice.untilMessages(1);
  assertEquals(alice.data, ["bye"]);
});

Deno.test("closed while a token is awaited after a silent peer: nothing is waited for", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  const clock = new ManualClock();
  const tokens = [running.issuer.token("alice"), Promise.withResolvers<string>().promise];
  await using alice = FollowedRoom.connect(
    proxy.url(PATH),
    quick(running, "alice", { clock, token: () => tokens.shift() ?? "" }),
  );
  await alice.untilLive(1);
  proxy.hold();
  alice.room.reconnect();
  assertEquals(alice.room.state.type, "connecting");
  await alice.room.close();
  assertEquals(clock.waiting, 0);
  // Else the socket would outlive this test.
  proxy.release();
  await running.logged("socket.close");
  await proxy.until("closed");
});
