import { assertEquals } from "@std/assert";
import type { RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { Room, type RoomMember } from "../../packages/server/src/rooms/room.ts";
import { joined, ManualScheduler, RecordingRecipient } from "./recipients.ts";

class TestMember extends RecordingRecipient implements RoomMember {
  readonly user = { id: "u" };
  readonly presence = { settled: () => {}, takenOver: () => {} };
  constructor(readonly connection: string) {
    super();
  }
  roomLost(): void {}
}

/** Opens a room with members, whose events the test makes. */
async function openRoom(members: number) {
  let deliver = (_event: RoomEvent): void => {};
  const scheduler = new ManualScheduler();
  const room = await Room.open("rooms/x", {
    scheduler,
    metrics: { deliveries: 0 },
    ephemeralTickMs: 0,
    now: () => scheduler.time,
    limits: { history_messages: 10, history_seconds: 10 },
    backplane: {
      subscribe: (_key, listener) => {
        deliver = listener;
        return Promise.resolve({ epoch: "e", head: 0, present: [], close: () => {} });
      },
    },
  }, () => {});
  const all = Array.from({ length: members }, (_, index) => new TestMember(`c${index}`));
  for (const member of all) room.add(member, () => {});
  return { room, scheduler, all, deliver: (event: RoomEvent) => deliver(event) };
}

Deno.test("a member that may see presence from now on gets a list with all changes that it got before", async () => {
  const { room, scheduler, all: [one], deliver } = await openRoom(100);
  deliver({ type: "presence", change: joined("a1") });
  scheduler.settleTick();
  deliver({ type: "presence", change: joined("b1") });
  scheduler.settleTick();
  assertEquals([one?.frames.length, scheduler.isDelaying], [1, true]);
  if (one) room.showPresence(one);
  const members = ["a1", "b1"].map((connection) => joined(connection).entry);
  assertEquals(
    one?.frames.at(-1),
    { type: "presence", members: members.map(({ state: _, ...entry }) => ({ ...entry, state: {} })) },
  );
});
