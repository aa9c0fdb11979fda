import { assert, assertEquals, assertGreater, assertLess, assertNotEquals } from "@std/assert";
import { forEach, Members } from "./members.ts";
import { publishAll } from "./publishing.ts";
import { CAN_MEASURE, heapOf, report, startRoomProcess } from "./room_process.ts";

const ROOMS = 800;
const MESSAGES = 3;
const BYTES = 30_000;
const AT_ONCE = 30;
/** All published messages together exceed this limit. */
const MAX_MEMORY_MIB = 90;

Deno.test("publishing into thousands of rooms keeps to MEMORY_BYTES, and a resume reports what was lost (6.2, 6.3)", async () => {
  await using rooms = await startRoomProcess({ MEMORY_BYTES: "8000000", ...heapOf(48) });
  const before = CAN_MEASURE ? await rooms.memoryMiB() : 0;
  const epochs = new Map<number, string>();
  await forEach(ROOMS, AT_ONCE, async (index) => {
    const [member, { epoch }] = await rooms.join(`room-${index}`);
    epochs.set(index, epoch);
    await publishAll(member, { count: MESSAGES, size: BYTES });
    await member.close();
  });
  const peak = CAN_MEASURE ? await rooms.peakMiB() : 0;
  let kept = 0;
  await forEach(ROOMS / 5, AT_ONCE, async (sample) => {
    const epoch = epochs.get(sample * 5) ?? "";
    const [member, welcome] = await rooms.join(`room-${sample * 5}`, { query: { after: 1, epoch } });
    await using resumed = member;
    await resumed.request({ type: "ping", id: "all is here" });
    const offsets = resumed.frames.flatMap((frame) => frame.type === "message" ? [frame.offset] : []);
    const gaps = resumed.frames.filter(({ type }) => type === "gap");
    if (welcome.recovered) {
      kept += 1;
      assertEquals([welcome.epoch, offsets, gaps], [epoch, [2, 3], []]);
    } else {
      assertEquals([offsets, gaps], [[], [{ type: "gap", from: 2, to: null, epoch }]]);
      assertNotEquals(welcome.epoch, epoch);
    }
  });
  report(`${before} MiB before, ${peak} MiB at most; ${kept} of ${ROOMS / 5} rooms were kept`);
  assertGreater(kept, 0);
  assertLess(kept, ROOMS / 5);
  if (CAN_MEASURE) assertLess(peak - before, MAX_MEMORY_MIB);
});

Deno.test("a room that outgrows MEMORY_BYTES loses its oldest messages, and says so (6.2)", async () => {
  await using rooms = await startRoomProcess({ MEMORY_BYTES: "200000" });
  const [member, { epoch }] = await rooms.join("room");
  await using publisher = member;
  await publishAll(publisher, { count: 500, size: 1_000 });
  const [late, welcome] = await rooms.join("room", { query: { after: 100, epoch } });
  await using resumed = late;
  await resumed.request({ type: "ping", id: "all is here" });
  const [gap] = resumed.frames.flatMap((frame) => frame.type === "gap" ? [frame] : []);
  assert(!welcome.recovered);
  assertEquals([welcome.epoch, gap?.from], [epoch, 101]);
  const offsets = resumed.frames.flatMap((frame) => frame.type === "message" ? [frame.offset] : []);
  const first = Number(gap?.to) + 1;
  assertEquals(offsets, Array.from({ length: 500 - first + 1 }, (_, place) => first + place));
});

Deno.test("what rooms keep for those who join is bounded too, however large the messages are", {
  ignore: !CAN_MEASURE,
}, async () => {
  await using rooms = await startRoomProcess({ MEMORY_BYTES: "1000000", ...heapOf(96) });
  const before = await rooms.memoryMiB();
  await using members = new Members();
  for (let index = 0; index < 60; index++) {
    const [member] = await rooms.join(`room-${index}`);
    members.add(member);
    await publishAll(member, { count: 31, size: 60_000 });
  }
  const peak = await rooms.peakMiB();
  report(`${before} MiB before, ${peak} MiB at most, in 60 rooms with one member each`);
  assertLess(peak - before, 120);
});

Deno.test("a retry within dedupe_seconds is recognized, though its message had to go to make room (5.3)", async () => {
  await using rooms = await startRoomProcess({ MEMORY_BYTES: "200000" });
  const [member] = await rooms.join("room");
  await using publisher = member;
  const frame = { type: "publish", id: "first", event: "e", data: 1 };
  assertEquals(await publisher.request(frame), { type: "ack", id: "first", offset: 1 });
  await publishAll(publisher, { count: 200, size: 1_000 });
  assertEquals(await publisher.request(frame), { type: "ack", id: "first", offset: 1 });
});
