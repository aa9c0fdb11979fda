/** Rooms of a shared connection that a real server refuses or ends. */
import { assertEquals, assertRejects } from "@std/assert";
import { createConnection, RoomError } from "../../../packages/client/mod.ts";
import { authenticate } from "../../../packages/server/src/http/middleware/authenticate.ts";
import { roomEndpoint } from "../../../packages/server/src/http/rooms/room_endpoint.ts";
import { refuse } from "../../../packages/server/src/rooms/server_code/refuse.ts";
import { createApp, type RunningServer, startServer } from "../../support/running_server.ts";
import { FollowedRoom, quick } from "../faults/followed_room.ts";

const SECRET_KEY = "sb_secret_of_this_test";
const KEY = { SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }) };

/** An endpoint whose hook runs this at every join, and counts the joins. */
function doors(hook: (joins: number) => unknown) {
  const counted = { joins: 0 };
  const endpoint = roomEndpoint({
    authenticate,
    name: "doors",
    async onJoin() {
      await hook(++counted.joins);
    },
  });
  return { counted, app: () => createApp().route("/doors", endpoint) };
}

function connectionTo(running: RunningServer) {
  return createConnection(`${running.origin}/realtime`, quick(running, "alice"));
}

/** Waits for a whole exchange behind everything that the client has sent. */
async function exchange({ room }: FollowedRoom): Promise<void> {
  await room.history({ after: 0 });
}

Deno.test("a join that the hook refuses closes its room with the reason, once; open() asks again", async () => {
  const { counted, app } = doors((joins) => {
    if (joins === 1) throw refuse("closed_today", "Come tomorrow.");
  });
  await using running = await startServer({ app });
  await using connection = connectionTo(running);
  const lobby = FollowedRoom.open(connection.createRoom("lobby"));
  const door = FollowedRoom.open(connection.createRoom("doors/1"));
  await Promise.all([lobby.untilLive(1), door.until(() => door.room.state.type === "closed", "the end")]);
  const [reason] = door.reasons;
  assertEquals([reason?.code, reason?.reason, reason?.message], [
    "refused",
    "closed_today",
    "Come tomorrow.",
  ]);
  const late = await assertRejects(() => door.room.publish("chat", 1), RoomError);
  assertEquals(late.reason, "closed_today");
  // A connection in which the other room joins again.
  await exchange(lobby);
  lobby.room.reconnect();
  await lobby.untilLive(2);
  await exchange(lobby);
  assertEquals([counted.joins, door.room.state.type], [1, "closed"]);
  door.room.open();
  await door.untilLive(1);
  assertEquals([counted.joins, lobby.room.state.type], [2, "live"]);
});

Deno.test("a hook that fails once is joined again", async () => {
  const { counted, app } = doors((joins) => {
    if (joins === 1) throw new Error("a bug of the endpoint");
  });
  await using running = await startServer({ app });
  await using connection = connectionTo(running);
  const door = FollowedRoom.open(connection.createRoom("doors/1"));
  await door.untilLive(1);
  assertEquals([counted.joins, door.waits], [2, ["internal"]]);
});

Deno.test("a hook that is too slow once is joined again", async () => {
  const end = Promise.withResolvers<void>();
  const { counted, app } = doors((joins) => joins === 1 ? end.promise : undefined);
  await using running = await startServer({ app, env: { HOOK_TIMEOUT_MS: "100" } });
  await using connection = connectionTo(running);
  const door = FollowedRoom.open(connection.createRoom("doors/1"));
  await door.untilLive(1);
  end.resolve();
  assertEquals([counted.joins, door.waits], [2, ["timeout"]]);
});

Deno.test("a name that the server does not take closes its room, and no other", async () => {
  await using running = await startServer();
  await using connection = connectionTo(running);
  const lobby = FollowedRoom.open(connection.createRoom("lobby"));
  const expected = { [`rooms/${"r".repeat(300)}`]: "room", "nowhere/1": undefined };
  for (const [name, field] of Object.entries(expected)) {
    const room = FollowedRoom.open(connection.createRoom(name));
    await room.until(() => room.room.state.type === "closed", "the end");
    assertEquals([room.waits.length, room.reasons[0]?.field], [1, field], name);
  }
  await lobby.untilLive(1);
  await exchange(lobby);
});

Deno.test("a kick ends one room for good and says forbidden; the others stay", async () => {
  await using running = await startServer({ env: KEY });
  await using connection = connectionTo(running);
  const lobby = FollowedRoom.open(connection.createRoom("lobby"));
  const kicked = FollowedRoom.open(connection.createRoom("kicked"));
  await Promise.all([lobby.untilLive(1), kicked.untilLive(1)]);
  const response = await fetch(`${running.origin}/realtime/rooms/kicked/kick`, {
    method: "POST",
    headers: { apikey: SECRET_KEY, "content-type": "application/json" },
    body: JSON.stringify({ user: "alice" }),
  });
  assertEquals(response.status, 202);
  await response.body?.cancel();
  await kicked.until(() => kicked.room.state.type === "closed", "the end");
  assertEquals([kicked.waits, kicked.errors.map(({ code }) => code)], [["forbidden"], ["forbidden"]]);
  await exchange(lobby);
  assertEquals(lobby.waits, []);
});
