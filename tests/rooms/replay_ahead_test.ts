import { assertEquals } from "@std/assert";
import type { RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { RoomClient } from "../support/room_client.ts";
import {
  backplaneOf,
  changedBackplane,
  changeRoomServices,
  storeMessages,
} from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";

Deno.test("a page that is ahead of the room's subscription sends no message twice (6.1)", async () => {
  await using running = await startServer();
  const store = backplaneOf(running);
  await storeMessages(running, "r", 3);
  const late: RoomEvent[] = [];
  let deliver: (event: RoomEvent) => void = () => {};
  const backplane = changedBackplane(store, {
    subscribe: async (room, pass) => {
      deliver = pass;
      return await store.subscribe(room, (event) => void late.push(event));
    },
    history: async (room, page) => {
      // The page contains this message before the subscription delivers it.
      if (late.length === 0 && page.limit > 1) await storeMessages(running, "r", 1);
      return await store.history(room, page);
    },
  });
  changeRoomServices(running, { backplane });
  await using client = await RoomClient.join(running, "r", { query: { history: 3 } });
  await eventually(() => Promise.resolve(late.length), (count) => count === 1);
  const offsets: unknown[] = [];
  for (let frame = await client.take(); frame.type !== "presence"; frame = await client.take()) {
    if (frame.type === "message") offsets.push(frame.offset);
  }
  for (const event of late) deliver(event);
  client.send({ type: "ping", id: "end" });
  for (let frame = await client.take(); frame.type !== "pong"; frame = await client.take()) {
    if (frame.type === "message") offsets.push(frame.offset);
  }
  assertEquals(offsets, [1, 2, 3, 4]);
});
