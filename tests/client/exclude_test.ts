/** `exclude: "self"` of the client, over real sockets. */
import { assertEquals } from "@std/assert";
import { deadline } from "@std/async";
import { createConnection } from "../../packages/client/mod.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";
import { RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { FollowedRoom, quick } from "./faults/followed_room.ts";
import { MemoryOutboxes } from "./memory_outbox.ts";

Deno.test("an excluded publish resolves with its offset, moves the position, and does not come", async () => {
  await using running = await startServer();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using alice = FollowedRoom.connect(`${running.origin}/realtime/rooms/r`, quick(running, "alice"));
  await alice.untilLive(1);
  assertEquals(await alice.room.publish("chat", "mine", { exclude: "self" }), 1);
  assertEquals(alice.room.position?.offset, 1);
  await alice.room.emit("chat", "waved", { exclude: "self" });
  await bob.publish("bob's");
  await alice.untilMessages(1);
  assertEquals(alice.data, ["bob's"]);
  const data = [await bob.next("message"), await bob.next("message"), await bob.next("message")];
  assertEquals(data.map(({ data }) => data), ["mine", "waved", "bob's"]);
  alice.room.reconnect();
  await alice.untilLive(2);
  await bob.publish("after");
  await alice.untilMessages(2);
  assertEquals(alice.data, ["bob's", "after"]);
  assertEquals([alice.gaps, alice.recoveries], [[], [null, true]]);
});

Deno.test("a message in the outbox is still excluded after a reload", async () => {
  await using running = await startServer();
  const storage = new MemoryOutboxes().open("alice");
  const url = `${running.origin}/realtime/rooms/r`;
  const outbox = { storage };
  const offline = FollowedRoom.connect(
    url,
    quick(running, "alice", { outbox, token: () => Promise.reject() }),
  );
  offline.room.publish("chat", "mine", { exclude: "self" }).catch(() => {/* closed below */});
  await offline.room.close();
  await using alice = FollowedRoom.connect(url, quick(running, "alice", { outbox }));
  await alice.untilLive(1);
  await alice.until(() => alice.room.pending === 0 && alice.room.position?.offset === 1, "the ack");
  assertEquals(alice.data, []);
});

Deno.test("a room of a connection for many rooms excludes its own messages", async () => {
  await using running = await startServer();
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using connection = createConnection(`${running.origin}/realtime`, quick(running, "alice"));
  const room = connection.room("r");
  await room.live();
  const data: unknown[] = [];
  room.on("message", (message) => void data.push(message.data));
  assertEquals(await room.publish("chat", "mine", { exclude: "self" }), 1);
  assertEquals(room.position?.offset, 1);
  const arrived = Promise.withResolvers<void>();
  room.on("message", () => arrived.resolve());
  await bob.publish("bob's");
  await deadline(arrived.promise, PATIENCE_MS);
  assertEquals([data, room.position?.offset], [["bob's"], 2]);
});
