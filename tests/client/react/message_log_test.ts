/** Messages that a list retains, and its gaps. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { RoomError, type RoomMessage } from "../../../packages/client/mod.ts";
import { MessageLog } from "../../../packages/client/react/message_log.ts";
import { type Numbers, ScriptedRoom } from "./scripted_room.ts";

const isNumber = ({ event, offset }: RoomMessage<Numbers>) => event === "number" && offset !== undefined;

function logOf(room: ScriptedRoom, limit = 100): MessageLog<Numbers> {
  return new MessageLog<Numbers>(room, { isWanted: isNumber, limit });
}

/** Offsets, and `(from-to)` where there is a gap. */
function shown({ snapshot: { messages, gaps } }: MessageLog<Numbers>): string {
  const parts = messages.map(({ offset }) => String(offset));
  for (const { index, from, to } of [...gaps].reverse()) parts.splice(index, 0, `(${from}-${to})`);
  return parts.join(" ");
}

/** Promises that have all they wait for are through after that. */
const settle = () => delay(0);

Deno.test("a limit is a whole number of at least 1", () => {
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => logOf(new ScriptedRoom(), limit), RangeError, "limit");
    assertThrows(() => logOf(new ScriptedRoom()).limitTo(limit), RangeError, "limit");
  }
});

Deno.test("the room is listened to while somebody listens, and the snapshot is the same until it changes", () => {
  const room = new ScriptedRoom();
  const log = logOf(room);
  assertEquals(room.isHeard, false);
  let told = 0;
  const ends = [log.subscribe(() => told++), log.subscribe(() => told++)];
  const before = log.snapshot;
  room.come("other");
  room.comeAndGo();
  assertEquals([log.snapshot === before, told], [true, 0]);
  room.come();
  assertEquals([log.snapshot === log.snapshot, log.snapshot === before, told], [true, false, 2]);
  for (const end of ends) end();
  assertEquals(room.isHeard, false);
  assertEquals(shown(log), "2");
});

Deno.test("gaps stand where messages are missing, and go with the messages before them", () => {
  const room = new ScriptedRoom();
  const log = logOf(room, 4);
  const end = log.subscribe(() => {});
  room.come();
  room.miss({ from: 2, to: 7, epoch: "e1" });
  room.come();
  assertEquals(shown(log), "1 (2-7) 8");
  assertEquals(log.snapshot.gaps, [{ from: 2, to: 7, epoch: "e1", index: 1 }]);
  room.come();
  room.come();
  assertEquals(shown(log), "(2-7) 8 9 10");
  room.come();
  assertEquals([shown(log), log.snapshot.hasOlder], ["8 9 10 11", true]);
  room.miss({ from: 12, to: 12, epoch: "e1" });
  assertEquals(log.snapshot.gaps.map(({ index }) => index), [3]);
  end();
});

Deno.test("what came while nobody listened is read, in its place", async () => {
  const room = new ScriptedRoom();
  const log = logOf(room);
  log.subscribe(() => {})();
  assertEquals(room.asked, []);
  const end = log.subscribe(() => {});
  room.come();
  end();
  for (let count = 0; count < 3; count++) room.come(count === 1 ? "other" : "number");
  const release = room.hold();
  const endAgain = log.subscribe(() => {});
  room.come();
  assertEquals(shown(log), "1 5");
  release();
  await settle();
  assertEquals(shown(log), "1 2 4 5");
  endAgain();
  // Nothing was missed: nothing is asked.
  log.subscribe(() => {})();
  assertEquals(room.asked.length, 1);
});

Deno.test("what was missed and cannot be had is a gap", async () => {
  const room = new ScriptedRoom();
  const log = logOf(room);
  const missSome = async () => {
    const end = log.subscribe(() => {});
    await settle();
    room.come();
    end();
    for (let count = 0; count < 3; count++) room.come();
  };
  await missSome();
  room.keptFrom = 4;
  await missSome();
  assertEquals(shown(log), "1 (2-3) 4 5");
  room.refusal = new RoomError("forbidden", "No.");
  await missSome();
  assertEquals(shown(log), "1 (2-3) 4 5 (6-8) 9");
  room.refusal = null;
  room.keptFrom = 1_000;
  await missSome();
  assertEquals(shown(log), "1 (2-3) 4 5 (6-8) 9 (10-12) 13");
});

Deno.test("of much that was missed only the last is read", async () => {
  const room = new ScriptedRoom();
  const log = logOf(room, 10);
  const end = log.subscribe(() => {});
  room.come();
  end();
  for (let count = 0; count < 2_000; count++) room.come();
  const endAgain = log.subscribe(() => {});
  await settle();
  assertEquals([room.asked.length, log.snapshot.messages.length], [1, 10]);
  assertEquals(shown(log), "1992 1993 1994 1995 1996 1997 1998 1999 2000 2001");
  endAgain();
  // Hardly one is wanted: it does not go through all of them.
  for (let count = 0; count < 9_000; count++) room.come("other");
  const endOnceMore = log.subscribe(() => {});
  await settle();
  assertEquals(room.asked.length, 11);
  assertEquals(log.snapshot.gaps.at(-1), { from: 2_002, to: 6_001, epoch: "e1", index: 9 });
  endOnceMore();
});

Deno.test("another history begins with a gap without an end, and what is kept of it", async () => {
  const room = new ScriptedRoom();
  const log = logOf(room);
  const end = log.subscribe(() => {});
  room.come();
  end();
  room.forget("e2");
  for (let count = 0; count < 2; count++) room.come();
  const endAgain = log.subscribe(() => {});
  await settle();
  assertEquals(shown(log), "1 (2-null) 1 2");
  // The older messages belong to the lost history.
  await log.loadOlder();
  assertEquals([shown(log), log.snapshot.hasOlder, room.asked.length], ["1 (2-null) 1 2", false, 1]);
  endAgain();
});

Deno.test("older ones are asked for once at a time, and a failure is told", async () => {
  const room = new ScriptedRoom();
  for (let count = 0; count < 5; count++) room.come();
  const log = logOf(room, 2);
  room.refusal = new RoomError("forbidden", "No.");
  await assertRejects(() => log.loadOlder(), RoomError, "No.");
  room.refusal = null;
  await Promise.all([log.loadOlder(), log.loadOlder()]);
  assertEquals([shown(log), room.asked.length], ["4 5", 2]);
  room.position = null;
  await assertRejects(() => logOf(room).loadOlder(), RoomError, "There is nobody.");
});

Deno.test("older ones join on to what is there, however much comes meanwhile", async () => {
  const room = new ScriptedRoom();
  for (let count = 0; count < 10; count++) room.come();
  const log = logOf(room, 3);
  const end = log.subscribe(() => {});
  for (let count = 0; count < 3; count++) room.come();
  const release = room.hold();
  const loading = log.loadOlder();
  for (let count = 0; count < 5; count++) room.come();
  release();
  await loading;
  assertEquals(shown(log), "8 9 10 11 12 13 14 15 16 17 18");
  room.come();
  assertEquals(shown(log), "9 10 11 12 13 14 15 16 17 18 19");
  end();
});
