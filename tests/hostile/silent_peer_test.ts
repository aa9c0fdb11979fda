import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { RoomClient, roomUrl } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { Members } from "./members.ts";
import { CAN_MEASURE, report, startRoomProcess } from "./room_process.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";

/** Joins, enters presence, then neither reads nor answers, like a closed laptop. */
async function joinSilently(running: RunningServer, plain: boolean): Promise<TcpMember> {
  const [sleeper] = await TcpMember.join(await roomUrl(running, "room", { user: "bob" }), { plain });
  await sleeper.request({ type: "presence", id: "enter", state: { here: true } });
  sleeper.pause();
  return sleeper;
}

Deno.test("a v1 member that falls silent and does not answer the close is gone from presence after the grace time (7.6, 9.3)", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "200", PRESENCE_GRACE_MS: "200" } });
  await using sleeper = await joinSilently(running, false);
  await using observer = await RoomClient.join(running, "room", { plain: true });
  assertEquals((await observer.next("presence")).members?.length, 1);
  assertEquals((await observer.next("presence")).left?.map(({ user }) => user), ["bob"]);
  sleeper.abort();
});

Deno.test("a v1 member that falls silent and does not answer the close gives its place in the room back, and is logged (9.3, 10.5)", async () => {
  await using running = await startServer({ env: { HEARTBEAT_MS: "200", MAX_MEMBERS_PER_ROOM: "1" } });
  await using sleeper = await joinSilently(running, false);
  assertEquals((await running.logged("socket.close")).map(({ code }) => code), [4408]);
  await using successor = await RoomClient.join(running, "room", { user: "carol" });
  assertEquals((await successor.publish("mine now")).offset, 1);
  sleeper.abort();
});

/** Counts the open sockets and files of a process. */
async function openFiles(pid: number): Promise<number> {
  let count = 0;
  for await (const _file of Deno.readDir(`/proc/${pid}/fd`)) count += 1;
  return count;
}

const ROUND = 20;

Deno.test("members that answer no close do not get around the limits on connections (2.6)", {
  ignore: !CAN_MEASURE,
}, async () => {
  const perUser = ROUND + 5;
  await using rooms = await startRoomProcess({
    HEARTBEAT_MS: "200",
    MAX_CONNECTIONS_PER_USER: String(perUser),
  });
  await using members = new Members();
  const before = await openFiles(rooms.process.pid);
  for (let round = 1; round <= 3; round++) {
    const url = await rooms.url("room", { user: "mallory" });
    await Promise.all(Array.from({ length: ROUND }, async () => {
      const opened = await TcpMember.open(url, { paused: true }).catch((error: unknown) => {
        assert(error instanceof Error && /HTTP\/1.1 (429|503) /.test(error.message), String(error));
      });
      if (opened) members.add(opened);
    }));
    // The server has closed every accepted member by now.
    const wanted = members.size;
    await eventually(() => Promise.resolve(rooms.logged("socket.close").length), (count) => count >= wanted);
  }
  // Refused connections close with a delay. Two rounds together would exceed the limit.
  const held = await eventually(
    async () => await openFiles(rooms.process.pid) - before,
    (count) => count < perUser + 10,
  );
  report(`${held} sockets are open, where one user may have ${perUser}`);
});

Deno.test("a flooding member that does not answer its close is gone from presence after the grace time (10.2)", async () => {
  await using running = await startServer({
    env: { FRAMES_PER_SECOND: "1", FRAMES_BURST: "10", PRESENCE_GRACE_MS: "200" },
  });
  await using flood = await joinSilently(running, true);
  await using observer = await RoomClient.join(running, "room");
  assertEquals((await observer.next("presence")).members?.length, 1);
  for (let count = 0; count < 150; count++) await flood.send({ type: "ping", id: "again" });
  const { left } = await observer.next("presence");
  assertEquals(left?.map(({ user }) => user), ["bob"]);
  flood.abort();
});

Deno.test("a member whose presence was taken over does not leave when its old connection breaks", async () => {
  await using running = await startServer({ env: { PRESENCE_GRACE_MS: "100" } });
  await using observer = await RoomClient.join(running, "room");
  await observer.next("presence");
  await using sleeper = await joinSilently(running, false);
  const joined = (await observer.next("presence")).joined?.[0];
  assert(joined);
  const query = { after: 0, epoch: observer.welcome.epoch, connection: joined.connection };
  await using successor = await RoomClient.join(running, "room", { user: "bob", query });
  const updated = (await observer.next("presence")).updated?.[0];
  assertEquals(updated?.previous, joined.connection);
  sleeper.abort();
  await running.logged("socket.close");
  // A change behind every possible effect of the broken connection.
  await successor.present(null);
  assertEquals((await observer.next("presence")).left?.map(({ connection }) => connection), [
    successor.connection,
  ]);
});
