import { assert, assertEquals, assertLess } from "@std/assert";
import { deadline } from "@std/async";
import { eventually } from "../../tools/support/eventually.ts";
import { Offsets } from "./offsets.ts";
import { Members } from "./members.ts";
import { publishAll } from "./publishing.ts";
import { CAN_MEASURE, report, type RoomProcess, startRoomProcess } from "./room_process.ts";
import { HOSTILE_PATIENCE_MS, TcpMember } from "../../tools/support/wire/tcp_member.ts";

const BYTES = 60_000;
const MEBIBYTES = 1_048_576;

/** Publishes large messages into a room. */
async function fill(rooms: RoomProcess, room: string, count: number): Promise<TcpMember> {
  const [publisher] = await rooms.join(room);
  await publishAll(publisher, { count, size: BYTES });
  return publisher;
}

/** Rejects once the connection ends. */
function unlessClosed(member: TcpMember, offsets: Offsets): Promise<never> {
  const ended = member.ended.then((code): never => {
    throw new Error(`closed with ${code} after ${offsets.last}`);
  });
  ended.catch(() => {/* the test closes the connection */});
  return ended;
}

/** Sends pings until disposed. */
function keepPinging(member: TcpMember): Disposable {
  const timer = setInterval(
    () => void member.send({ type: "ping", id: "here" }).catch(() => {/* closed */}),
    100,
  );
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Waits longer than the server tolerates a silent member with `HEARTBEAT_MS=400`. */
async function passHeartbeats(): Promise<void> {
  const startedAt = performance.now();
  await eventually(() => Promise.resolve(performance.now() - startedAt), (passedMs) => passedMs > 2_000);
}

for (const plain of [true, false]) {
  Deno.test(`a ${plain ? "plain" : "v1"} member that reads gets a replay of 500 large messages whole, while the room stays active (4.3, 10.4)`, async () => {
    await using rooms = await startRoomProcess({ MEMORY_BYTES: "134217728" });
    await using publisher = await fill(rooms, "room", 500);
    const offsets = new Offsets();
    const url = await rooms.url("room", { user: "bob", query: { history: 500 } });
    await using member = await TcpMember.open(url, { plain, onFrame: offsets.take });
    // The replay may begin behind the messages published in the meantime.
    const publishing = publishAll(publisher, { count: 50, size: BYTES });
    await Promise.race([unlessClosed(member, offsets), deadline(offsets.reach(550), HOSTILE_PATIENCE_MS)]);
    await publishing;
  });
}

Deno.test("a plain member that reads is not closed over the 30 large messages that it missed (6.1, 10.4)", async () => {
  await using rooms = await startRoomProcess();
  await using publisher = await fill(rooms, "room", 30);
  const { epoch } = await rooms.join("room").then(async ([member, welcome]) => {
    await member.close();
    return welcome;
  });
  const offsets = new Offsets();
  const url = await rooms.url("room", { user: "bob", query: { after: 0, epoch } });
  await using member = await TcpMember.open(url, { plain: true, onFrame: offsets.take });
  await Promise.race([unlessClosed(member, offsets), deadline(offsets.reach(30), HOSTILE_PATIENCE_MS)]);
  assertEquals(publisher.frames.some(({ type }) => type === "gap"), false);
});

Deno.test("a member that reads is not closed over its own requests for history, however many it sends at once (6.7, 10.4)", async () => {
  await using rooms = await startRoomProcess();
  await using _publisher = await fill(rooms, "room", 30);
  const [member] = await rooms.join("room", { user: "bob" });
  await using reader = member;
  const requests = Array.from(
    { length: 50 },
    (_, index) => ({ type: "history", id: `page ${index}`, after: 0, limit: 500 }),
  );
  await reader.send(requests);
  for (const { id } of requests) assertEquals((await reader.answer(id)).type, "history");
});

Deno.test("pings are heard while a long replay waits for its reader (9.2, 9.3)", async () => {
  await using rooms = await startRoomProcess({ HEARTBEAT_MS: "400" });
  const publisher = await fill(rooms, "room", 300);
  await publisher.close();
  const offsets = new Offsets();
  const url = await rooms.url("room", { user: "bob", query: { history: 300 } });
  await using member = await TcpMember.open(url, { paused: true, onFrame: offsets.take });
  using _pinging = keepPinging(member);
  await passHeartbeats();
  member.resume();
  await Promise.race([unlessClosed(member, offsets), deadline(offsets.reach(300), HOSTILE_PATIENCE_MS)]);
});

Deno.test("pings are heard while pages of history wait for their reader (9.2, 9.3)", async () => {
  await using rooms = await startRoomProcess({ HEARTBEAT_MS: "400" });
  const publisher = await fill(rooms, "room", 30);
  await publisher.close();
  const [member] = await rooms.join("room", { user: "bob" });
  await using reader = member;
  const pages = Array.from({ length: 80 }, (_, index) => ({
    type: "history",
    id: `page ${index}`,
    after: 0,
    limit: 500,
  }));
  reader.pause();
  await reader.send(pages);
  using _pinging = keepPinging(reader);
  await passHeartbeats();
  reader.resume();
  for (const { id } of pages) assertEquals((await reader.answer(id)).type, "history");
});

Deno.test("20 members that do not read their replay cost no more than their bounds, and the others notice nothing (10.4)", async () => {
  await using rooms = await startRoomProcess();
  await using publisher = await fill(rooms, "room", 500);
  await using members = new Members();
  const before = CAN_MEASURE ? await rooms.memoryMiB() : 0;
  for (let index = 0; index < 20; index++) {
    const url = await rooms.url("room", { user: `sleeper ${index}`, query: { history: 500 } });
    members.add(await TcpMember.open(url, { paused: true, plain: index % 2 === 0 }));
  }
  await publishAll(publisher, { count: 20, size: BYTES });
  if (!CAN_MEASURE) return;
  const peak = await rooms.peakMiB();
  report(`${before} MiB before, ${peak} MiB at most`);
  // A queue exceeds its limit by one message at most; the runtime may need as much again.
  assertLess(peak - before, 60 + 20);
});

Deno.test("what members send while they do not read their replay is bounded in bytes too (10.4)", {
  ignore: !CAN_MEASURE,
}, async () => {
  await using rooms = await startRoomProcess();
  await using publisher = await fill(rooms, "room", 200);
  await using members = new Members();
  const before = await rooms.memoryMiB();
  const text = JSON.stringify({ type: "ping", id: "x", padding: "x".repeat(BYTES) });
  for (let index = 0; index < 20; index++) {
    const url = await rooms.url("room", { user: `sleeper ${index}`, query: { history: 500 } });
    const member = members.add(await TcpMember.open(url, { paused: true }));
    // Below MAX_QUEUED_FRAMES. The server may stop reading, and the write never completes then.
    void member.sendTexts(Array.from({ length: 200 }, () => text)).catch(
      () => {/* the server may close too */},
    );
  }
  await publishAll(publisher, { count: 20, size: BYTES });
  const peak = await rooms.peakMiB();
  const sent = 20 * 200 * BYTES / MEBIBYTES;
  report(`${before} MiB before, ${peak} MiB at most; ${Math.round(sent)} MiB were sent`);
  assert(peak - before < 130, `${peak - before} MiB more`);
});
