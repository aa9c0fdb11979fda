/** docs/protocol.md, section 17, against clients that join and leave without end. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { endpoint } from "../../packages/server/src/http/endpoint.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { RequestProblem } from "../../packages/server/src/http/middleware/problem.ts";
import { roomEndpoint } from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";
import { ANY_RATE, RoomClient } from "../support/room_client.ts";
import { createApp, startServer } from "../support/running_server.ts";
import { SharedClient } from "../support/shared_client.ts";
import { CAN_MEASURE, heapOf, report, startRoomProcess } from "./room_process.ts";

const CYCLES = 10_000;
const AT_ONCE = 50;
const MAX_MEMORY_MIB = 80;

Deno.test("10,000 joins and leaves of one socket keep no memory, and another member is served meanwhile", async () => {
  await using rooms = await startRoomProcess({ JOINS_PER_SECOND: "1000000", ...heapOf(64) });
  const [member] = await rooms.join("calm");
  await using bob = member;
  const address = new URL(await rooms.url("any"));
  const url = `${address.origin}/realtime/socket${address.search}`;
  await using socket = await SocketClient.open(url, "realtime.v1");
  const cycle = async (from: number): Promise<void> => {
    const names = Array.from({ length: AT_ONCE }, (_, index) => `room-${from + index}`);
    socket.send(JSON.stringify(names.map((room) => ({ type: "join", id: `j-${room}`, room }))));
    socket.send(JSON.stringify(names.map((room) => ({ type: "leave", id: `l-${room}`, room }))));
    for (let acks = 0; acks < AT_ONCE;) {
      const frames: unknown[] = [JSON.parse(String(await socket.next()))].flat();
      acks += frames.filter((frame) => (frame as { type?: string }).type === "ack").length;
    }
    assertEquals((await bob.request({ type: "ping", id: `p-${from}` })).type, "pong");
  };
  for (let done = 0; done < CYCLES / 10; done += AT_ONCE) await cycle(done);
  const before = CAN_MEASURE ? await rooms.memoryMiB() : 0;
  for (let done = CYCLES / 10; done < CYCLES; done += AT_ONCE) await cycle(done);
  const after = CAN_MEASURE ? await rooms.memoryMiB() : 0;
  report(`${before} MiB after ${CYCLES / 10} joins, ${after} MiB after ${CYCLES}`);
  assertLess(after - before, MAX_MEMORY_MIB);
});

Deno.test("a flood of joins is limited and closed with 4429, and leaves no member behind", async () => {
  await using running = await startServer({ env: { FRAMES_BURST: "20", FRAMES_PER_SECOND: "1" } });
  await using bob = await RoomClient.join(running, "calm", { user: "bob" });
  await using alice = await SharedClient.connect(running);
  for (let n = 0; n < 400; n++) alice.send({ type: "join", id: `j${n}`, room: `r${n}` });
  assertEquals((await alice.closed()).code, 4429);
  await bob.publish("served");
  await eventually(
    () => Promise.resolve(running.engine.deps.rooms.count()),
    ({ members }) => members === 1,
  );
});

Deno.test("forged names of rooms reach nothing but rooms, and no stricter middleware is bypassed", async () => {
  const reached: string[] = [];
  await using running = await startServer({
    env: ANY_RATE,
    app: () =>
      createApp().route(
        "/staff",
        endpoint().use("/:id", async (c, next) => {
          reached.push(c.req.path);
          if (c.req.header("x-staff") !== "yes") throw new RequestProblem("forbidden");
          await next();
        }).route("/", roomEndpoint({ authenticate, name: "staff" })),
      ),
  });
  await using alice = await SharedClient.connect(running);
  const forged = [
    "rooms/../staff",
    "rooms/../x",
    "../realtime/rooms/x",
    "rooms/x/messages",
    "rooms/%2e%2e",
    "rooms/x%2fmessages",
    "rooms/x?token=y",
    "rooms/x#y",
    "rooms//x",
    "//rooms/x",
    "http://evil.example/rooms/x",
    "rooms/x\r\nx-staff: yes",
    "rooms/\u0000",
  ];
  for (const room of forged) {
    const answer = await alice.ask({ type: "join", room });
    assert(answer.type === "error");
    assertEquals([room, answer.code, answer.field], [room, "invalid_frame", "room"]);
  }
  for (const room of ["health/ready", "echo/x", "whoami/x", "metrics/x", "tickets/x", "socket/x"]) {
    assertEquals([room, (await alice.refusedJoin(room)).code], [room, "not_found"]);
  }
  assertEquals(reached, []);
  assertEquals((await alice.refusedJoin("staff/a")).code, "forbidden");
  assertEquals(reached, ["/realtime/staff/a"]);
  await alice.join("fine");
});

Deno.test("leaves of rooms never joined, and one room joined many times at once, change nothing", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using alice = await SharedClient.connect(running);
  for (let n = 0; n < 50; n++) {
    const answer = await alice.ask({ type: "leave", room: `never-${n}` });
    assertEquals(answer.type === "error" && answer.code, "not_joined");
  }
  alice.send(Array.from({ length: 50 }, (_, n) => ({ type: "join", id: `j${n}`, room: "once" })));
  assertEquals((await alice.next("welcome")).id, "j0");
  for (let n = 1; n < 50; n++) {
    const answer = await alice.answer(`j${n}`);
    assertEquals(answer.type === "error" && answer.code, "invalid_frame");
  }
  assertEquals(running.engine.deps.rooms.count(), { rooms: 1, members: 1 });
  await alice.leave("once");
  assertEquals(running.engine.deps.rooms.count().members, 0);
});
