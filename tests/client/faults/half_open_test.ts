import { assertEquals } from "@std/assert";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { before, type Direction } from "../../support/fault_proxy/faults.ts";
import type { SeenMessage } from "../../support/fault_proxy/seen_message.ts";
import { Trace } from "../../support/trace.ts";
import { RoomClient } from "../../support/room_client.ts";
import { ManualClock } from "../manual_clock.ts";
import { FollowedRoom, quick } from "./followed_room.ts";
import { observedSocket } from "./observed_socket.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";
const HEARTBEAT_MS = 20_000;
const PROBE_MS = 4_000;

/** Traces the types of the frames that the client has sent, those too that go nowhere. */
function traceSent(): { readonly sent: Trace; readonly onMessage: (message: SeenMessage) => void } {
  const sent = new Trace();
  return {
    sent,
    onMessage: ({ direction, frames }) => {
      if (direction === "toServer") { for (const { type } of frames) sent.add(String(type)); }
    },
  };
}

const WAYS: readonly { readonly how: string; readonly direction: Direction | undefined }[] = [
  { how: "nothing goes either way", direction: undefined },
  { how: "nothing comes back", direction: "toClient" },
  { how: "nothing gets there", direction: "toServer" },
];

for (const { how, direction } of WAYS) {
  Deno.test(`half-open, ${how}: noticed after a heartbeat and a half and one probe, and nothing is lost`, async () => {
    await using running = await startStoppable({ env: { HEARTBEAT_MS: String(HEARTBEAT_MS) } });
    const { sent, onMessage } = traceSent();
    await using proxy = FaultProxy.start(running.port, { onMessage });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    const clock = new ManualClock();
    const timeouts = { probeMs: PROBE_MS };
    await using alice = FollowedRoom.connect(
      proxy.url(PATH),
      quick(running, "alice", { clock, timeouts, random: () => 0 }),
    );
    await alice.untilLive(1);
    assertEquals(await alice.room.publish("chat", 1), 1);
    await alice.untilMessages(1);
    const { state } = alice.room;
    const connection = await proxy.connection(1);
    connection.hold(direction);
    // Sent into the void, or stored without an ack that arrives.
    const own = alice.room.publish("chat", 2);
    await sent.until("publish", 2);
    await clock.pass(HEARTBEAT_MS * 1.5);
    await sent.until("ping", 1);
    await clock.pass(PROBE_MS - 1);
    assertEquals(alice.room.state, state);
    await clock.pass(1);
    assertEquals(alice.waits, ["silent"]);
    await clock.pass(0);
    await alice.untilLive(2);
    await own;
    await bob.publish(3);
    await alice.untilMessages(3);
    assertEquals(alice.offsets, [1, 2, 3]);
    assertEquals(alice.data, [1, 2, 3]);
    assertEquals(alice.recoveries, [null, true]);
    // The delayed messages arrive, and the client recognizes them.
    connection.release(direction);
    assertEquals((await bob.publish(4)).offset, 4);
    await alice.untilMessages(4);
    assertEquals(alice.data, [1, 2, 3, 4]);
    assertEquals((await bob.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.data] : []), [
      1,
      2,
      3,
      4,
    ]);
  });
}

Deno.test("an upgrade without an answer, and a connection without a welcome, are given up when their time is over", async () => {
  await using running = await startStoppable();
  await using proxy = FaultProxy.start(running.port);
  const clock = new ManualClock();
  const happened = new Trace();
  const options = quick(running, "alice", {
    clock,
    timeouts: { connectMs: 7_000 },
    random: () => 0,
    WebSocket: observedSocket({ onOpen: () => happened.add("open") }),
  });
  proxy.next({ hold: {} }, { hold: { from: before("toClient", { type: "welcome" }) } });
  await using alice = FollowedRoom.connect(proxy.url(PATH), options);
  for (const count of [1, 2]) {
    const connection = await proxy.connection(count);
    await connection.until("held");
    if (count === 2) await happened.until("open");
    await clock.pass(6_999);
    assertEquals(alice.room.state.type, "connecting");
    await clock.pass(1);
    assertEquals(alice.waits.length, count);
    connection.cut();
    await clock.pass(0);
  }
  await alice.untilLive(1);
  assertEquals(alice.waits, ["unreachable", "unreachable"]);
});

Deno.test("with real time: silence of both sides ends within a heartbeat and a half and one probe", async () => {
  await using running = await startStoppable({ env: { HEARTBEAT_MS: "200" } });
  await using proxy = FaultProxy.start(running.port);
  await using alice = FollowedRoom.connect(
    proxy.url(PATH),
    quick(running, "alice", { timeouts: { connectMs: 500, probeMs: 100 } }),
  );
  await alice.untilLive(1);
  proxy.hold();
  const own = alice.room.publish("chat", 1);
  await alice.until(() => alice.waits.length > 0, "the silence to be noticed");
  proxy.release();
  assertEquals(await own, 1);
  await alice.untilMessages(1);
  assertEquals(alice.waits[0], "silent");
  assertEquals(alice.offsets, [1]);
});
