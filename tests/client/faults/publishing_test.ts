import { assert, assertEquals } from "@std/assert";
import { EVERYTHING } from "../../../packages/server/src/rooms/policy/authorize.ts";
import { type Authorize } from "../../../packages/server/src/rooms/policy/authorize.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { after, before, lostAck, type Place, within } from "../../support/fault_proxy/faults.ts";
import type { SeenMessage } from "../../support/fault_proxy/seen_message.ts";
import { ANY_RATE, RoomClient } from "../../support/room_client.ts";
import { FollowedRoom, oneTo, quick } from "./followed_room.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";

/** Keeps the ids of the publishes that clients have sent. */
function publishIds(): { readonly ids: string[]; readonly onMessage: (message: SeenMessage) => void } {
  const ids: string[] = [];
  return {
    ids,
    onMessage({ direction, frames }) {
      if (direction !== "toServer") return;
      for (const { type, id } of frames) if (type === "publish") ids.push(String(id));
    },
  };
}

Deno.test("an ack that is lost: the replay shows that the message is stored, and it is not sent again", async () => {
  await using running = await startStoppable();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  const { ids, onMessage } = publishIds();
  await using proxy = FaultProxy.start(running.port, { onMessage });
  proxy.next({ cut: lostAck("m") });
  await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
  assertEquals(await alice.room.publish("chat", 1, { id: "m" }), 1);
  assertEquals(await alice.room.publish("chat", 2, { id: "n" }), 2);
  assertEquals(ids, ["m", "n"]);
  assertEquals(alice.recoveries, [null, true]);
  assertEquals(alice.data, [1, 2]);
  assertEquals(await bob.offsets(2), [1, 2]);
  assertEquals(alice.room.pending, 0);
});

const MAY_NOT_READ = { ...EVERYTHING, history: false };
const WITHOUT_HISTORY: readonly { readonly how: string; readonly authorize?: Authorize }[] = [
  { how: "authorize says", authorize: ({ id }) => id === "alice" ? MAY_NOT_READ : EVERYTHING },
  { how: "the claims say" },
];

for (const { how, authorize } of WITHOUT_HISTORY) {
  Deno.test(`an ack that is lost to who may not read history, as ${how}: the retry's ack has the first offset`, async () => {
    await using running = await startStoppable({
      env: authorize ? {} : { ROOM_POLICY: "claim" },
      deps: authorize ? { authorize } : {},
    });
    const mayDo = (actions: readonly string[]) => ({ claims: { app_metadata: { rooms: { r: actions } } } });
    const everything = mayDo(["join", "publish", "presence", "history"]);
    await using bob = await RoomClient.join(running, "r", { user: "bob", ...everything });
    const { ids, onMessage } = publishIds();
    await using proxy = FaultProxy.start(running.port, { onMessage });
    proxy.next({ cut: lostAck("m") });
    const token = () => running.issuer.token("alice", mayDo(["join", "publish"]));
    await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice", { token }));
    assertEquals(await alice.room.publish("chat", 1, { id: "m" }), 1);
    assertEquals(await alice.room.publish("chat", 2, { id: "n" }), 2);
    assertEquals(ids, ["m", "m", "n"]);
    // She may not read the messages of her absence, her own included: she receives a gap.
    const epoch = alice.room.position?.epoch ?? "";
    assertEquals(alice.gaps, [{ from: 1, to: 1, epoch }]);
    assertEquals(alice.recoveries, [null, false]);
    assertEquals(alice.data, [2]);
    const messages = (await bob.takeAll()).filter((frame) => frame.type === "message");
    assertEquals(messages.map(({ offset, data }) => [offset, data]), [[1, 1], [2, 2]]);
  });
}

const COUNT = 250;
const PLACES: readonly { readonly where: string; readonly cut: Place }[] = [
  { where: "before the first", cut: before("toServer", 1) },
  { where: "within the first", cut: within("toServer", 1, 3_000) },
  { where: "after the first", cut: after("toServer", 1) },
  { where: "within the second", cut: within("toServer", 2, 5_000) },
  { where: "after the last", cut: after("toServer", 3) },
  { where: "before the first acks", cut: lostAck() },
  { where: "within the first acks", cut: within("toClient", { type: "ack" }, 7_000) },
];

for (const { where, cut } of PLACES) {
  Deno.test(`${COUNT} publishes in three messages, cut ${where}: all are stored once, in order`, async () => {
    await using running = await startStoppable({ env: ANY_RATE });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    await using proxy = FaultProxy.start(running.port);
    proxy.next({ cut });
    await using alice = FollowedRoom.connect(proxy.url(PATH), quick(running, "alice"));
    await alice.room.live();
    const stored = await Promise.all(oneTo(COUNT).map((n) => alice.room.publish("chat", n)));
    assertEquals(stored, oneTo(COUNT));
    const messages = (await bob.takeAll()).filter((frame) => frame.type === "message");
    assertEquals(messages.map(({ data }) => data), oneTo(COUNT));
    await alice.untilMessages(COUNT);
    assertEquals(alice.data, oneTo(COUNT));
    assertEquals(alice.offsets, oneTo(COUNT));
    assert(proxy.count("cut") === 1 && alice.waits.length === 1, `it waited for ${alice.waits}`);
  });
}
