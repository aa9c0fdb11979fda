import { assertEquals, assertLess } from "@std/assert";
import {
  createMemoryBackplane,
  MemoryStore,
} from "../../packages/server/src/backplane/memory/memory_backplane.ts";
import { requestHead } from "../../tools/support/wire/raw_socket.ts";
import { roomUrl } from "../support/room_client.ts";
import { changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { forEach } from "./members.ts";
import { publishAll } from "./publishing.ts";
import { CAN_MEASURE, heapOf, report, type RoomProcess, startRoomProcess } from "./room_process.ts";
import { HOSTILE_PATIENCE_MS, TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Number of concurrent joins. */
const AT_ONCE = 50;

async function untilConnections(rooms: RoomProcess, wanted: number): Promise<void> {
  const giveUpAt = performance.now() + HOSTILE_PATIENCE_MS;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${rooms.process.port}/realtime/health`);
    const { connections }: { connections: number } = await response.json();
    if (connections === wanted) return;
    if (performance.now() > giveUpAt) throw new Error(`There are ${connections} connections, not ${wanted}.`);
  }
}

/** Sends a handshake and disconnects: immediately, or at the first byte of the answer. */
async function vanish(url: URL, whenAnswered: boolean): Promise<void> {
  using connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  await connection.write(requestHead(url.pathname + url.search));
  if (whenAnswered) await connection.read(new Uint8Array(1));
}

Deno.test("300 connections that vanish while they join leave no place taken, and the room works", async () => {
  await using rooms = await startRoomProcess();
  const [publisher] = await rooms.join("room");
  await using observer = publisher;
  await publishAll(observer, { count: 100, size: 1_000 });
  const url = new URL(await rooms.url("room", { user: "mallory", query: { history: 500 } }));
  await forEach(300, AT_ONCE, (index) => vanish(url, index % 3 === 0));
  await publishAll(observer, { count: 100, size: 1_000 });
  const [late] = await rooms.join("room", { query: { history: 500 } });
  await using member = late;
  await member.until((frame) => frame.type === "message" && frame.offset === 200, "the last message");
  await untilConnections(rooms, 2);
  assertEquals(rooms.process.stderr, "");
});

Deno.test("2,000 rooms that were joined and left take no memory, with presence and without messages", async () => {
  await using rooms = await startRoomProcess(heapOf(48));
  const joinAndLeave = async (index: number): Promise<void> => {
    const [member] = await rooms.join(`room-${index}`);
    await member.request({ type: "presence", id: "enter", state: { here: true } });
    await member.close();
  };
  // The first rooms warm up the runtime.
  await forEach(500, AT_ONCE, joinAndLeave);
  const before = CAN_MEASURE ? await rooms.memoryMiB() : 0;
  await forEach(1_500, AT_ONCE, joinAndLeave);
  await untilConnections(rooms, 0);
  assertEquals(rooms.process.stderr, "");
  if (!CAN_MEASURE) return;
  const after = await rooms.memoryMiB();
  report(`${before} MiB after 500 rooms, ${after} MiB after 1,500 more`);
  // The next test finds even small remains of a room.
  assertLess(after - before, 40);
});

Deno.test("nothing of a room is left when its last member is gone, unless it was published to", async () => {
  await using running = await startServer({
    env: { MAX_CONNECTIONS_PER_USER: "1000", PRESENCE_GRACE_MS: "0" },
  });
  const options = {
    retention: { messages: 10, ageMs: 60_000, dedupeMs: 60_000 },
    maxBytes: 1_000_000,
    graceMs: 0,
  };
  const fail = (error: unknown) => {
    throw error;
  };
  const store = new MemoryStore({
    ...options,
    now: () => performance.now(),
    wallNow: Date.now,
    id: () => "epoch",
    onDeliverError: fail,
  });
  const backplane = createMemoryBackplane(store);
  changeRoomServices(running, { backplane });
  await forEach(200, AT_ONCE, async (index) => {
    const [member] = await TcpMember.join(await roomUrl(running, `room-${index}`), {
      plain: index % 2 === 0,
    });
    await using leaving = member;
    if (index % 5 === 0) await leaving.request({ type: "publish", id: "1", event: "e", data: 1 });
    if (index % 3 === 0) await leaving.request({ type: "presence", id: "2", state: {} });
    if (index % 7 !== 0) await leaving.close();
  });
  await running.logged("socket.close", 200);
  // Without a grace period, the next query removes the members that disconnected.
  await backplane.present("room-0");
  assertEquals([...store.rooms.all()].filter(({ isInUse }) => isInUse).map(({ name }) => name), []);
  assertEquals(store.rooms.size, 40);
  await backplane.close();
});
