import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { deadline } from "@std/async";
import { kernelBufferBytes } from "../support/kernel_buffers.ts";
import { Members } from "./members.ts";
import { Offsets } from "./offsets.ts";
import { publishAll } from "./publishing.ts";
import { CAN_MEASURE, report, type RoomProcess, startRoomProcess } from "./room_process.ts";
import { HOSTILE_PATIENCE_MS, TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Keeps history out of the measured memory. */
const SHORT_HISTORY = { HISTORY_MESSAGES: "100" } as const;
const MESSAGES = 20_000;
const BYTES = 1_000;

/** Joins and stops reading after the handshake. */
async function joinWithoutReading(
  rooms: RoomProcess,
  user: string,
  offsets: Offsets,
  plain = false,
): Promise<TcpMember> {
  const url = await rooms.url("room", { user });
  return await TcpMember.open(url, { paused: true, plain, onFrame: offsets.take });
}

for (const sleepers of [1, 50]) {
  const mostMiB = 60 + 2 * (sleepers - 1);
  const who = sleepers === 1 ? "a member that does" : `${sleepers} members that do`;
  Deno.test(`${who} not read is closed with 1013, the others get all of ${MESSAGES} messages, in order (10.4)`, async () => {
    await using rooms = await startRoomProcess(SHORT_HISTORY);
    await using members = new Members();
    const asleep: { readonly member: TcpMember; readonly offsets: Offsets }[] = [];
    for (let index = 0; index < sleepers; index++) {
      const offsets = new Offsets();
      const member = members.add(
        await joinWithoutReading(rooms, `sleeper ${index}`, offsets, index % 2 === 1),
      );
      asleep.push({ member, offsets });
    }
    const readers = [new Offsets(), new Offsets()];
    for (const [index, { take }] of readers.entries()) {
      const url = await rooms.url("room", { user: "reader" });
      members.add(await TcpMember.open(url, { plain: index === 0, onFrame: take }));
    }
    const [publisher] = await rooms.join("room");
    members.add(publisher);
    const before = CAN_MEASURE ? await rooms.memoryMiB() : 0;
    const startedAt = performance.now();
    await publishAll(publisher, { count: MESSAGES, size: BYTES });
    for (const reader of readers) await deadline(reader.reach(MESSAGES), HOSTILE_PATIENCE_MS);
    const tookMs = performance.now() - startedAt;
    if (CAN_MEASURE) {
      const peak = await rooms.peakMiB();
      report(
        `${before} MiB before, ${peak} MiB at most; ${
          Math.round(MESSAGES / tookMs * 1_000)
        } messages a second`,
      );
      assertLess(peak - before, mostMiB);
    }
    for (const { member, offsets } of asleep) {
      member.resume();
      assertEquals(await member.ended, 1013);
      assertEquals(offsets.wrong, undefined);
      assertLess(offsets.last, MESSAGES);
    }
    assertEquals(rooms.process.stderr, "");
  });
}

Deno.test("a slow member loses ephemeral messages, no durable one, and gets ephemeral ones again when it has caught up (10.4)", async () => {
  await using rooms = await startRoomProcess(SHORT_HISTORY);
  const slow = new Offsets();
  const fast = new Offsets();
  await using slowMember = await joinWithoutReading(rooms, "slow", slow);
  await using reader = await TcpMember.open(await rooms.url("room", { user: "fast" }), {
    onFrame: fast.take,
  });
  const [member] = await rooms.join("room");
  await using publisher = member;
  const size = 6_000;
  const rounds = 50;
  const perRound = Math.ceil((await kernelBufferBytes() + 2 * 1_048_576) / size / rounds);
  const count = rounds * perRound;
  let head = 0;
  for (let round = 0; round < rounds; round++) {
    head += await publishAll(publisher, { count: perRound, size, ephemeral: true, withDurable: true });
    // On a busy machine the other member would fall behind as well.
    await deadline(fast.reach(head), HOSTILE_PATIENCE_MS);
  }
  assertEquals(fast.ephemeral, count);
  slowMember.resume();
  await deadline(slow.reach(head), HOSTILE_PATIENCE_MS);
  report(`the slow one got ${slow.ephemeral} of ${count} ephemeral messages, and all ${head} durable ones`);
  assertGreater(slow.ephemeral, 0);
  assertLess(slow.ephemeral, count);
  const missed = fast.ephemeral - slow.ephemeral;
  await publishAll(publisher, { count: 1, size: BYTES, ephemeral: true });
  await publishAll(publisher, { count: 1, size: BYTES });
  await deadline(slow.reach(head + 1), HOSTILE_PATIENCE_MS);
  await deadline(fast.reach(head + 1), HOSTILE_PATIENCE_MS);
  assertEquals(fast.ephemeral - slow.ephemeral, missed);
  assert(reader.frames.length === 0, "the reader's frames are counted, not kept");
});

Deno.test("a member that does not read is logged as closed with 1013 and is gone from presence, though it answers nothing (7.6, 10.4)", async () => {
  await using rooms = await startRoomProcess({ ...SHORT_HISTORY, PRESENCE_GRACE_MS: "200" });
  const [sleeper] = await rooms.join("room", { user: "sleeper", plain: true });
  await using asleep = sleeper;
  await asleep.request({ type: "presence", id: "enter", state: {} });
  asleep.pause();
  const [member] = await rooms.join("room");
  await using publisher = member;
  await publishAll(publisher, { count: MESSAGES, size: BYTES });
  const [late] = await rooms.join("room", { user: "late" });
  await using observer = late;
  const listed = await observer.until(({ type }) => type === "presence", "the list");
  if (listed.type === "presence" && listed.members?.length === 1) {
    const left = await observer.until(({ type }) => type === "presence", "a change of presence");
    assertEquals(left.type === "presence" && left.left?.map(({ user }) => user), ["sleeper"]);
  }
  assertEquals(rooms.logged("socket.close").map(({ user, code }) => [user, code]), [["sleeper", 1013]]);
});
