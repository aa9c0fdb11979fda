/** docs/protocol.md, rule 3.7 for frames just before a close. */
import { assertEquals } from "@std/assert";
import { freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";

Deno.test("3.7 frames sent just before a close are all handled, in order", async () => {
  await using running = await startServer();
  const backplane = backplaneOf(running);
  const gate = Promise.withResolvers<void>();
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async enter(room, entry) {
        await gate.promise;
        await backplane.enter(room, entry);
      },
    }),
  });
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await using alice = await RoomClient.join(running, "r");
  // The other frames and the close arrive while the first publish is in progress.
  alice.send([publishFrame(1), { type: "presence", id: freshId(), state: {} }]);
  alice.send([publishFrame(2), publishFrame(3)]);
  alice.send(publishFrame(4));
  alice.close(4000);
  await alice.closed();
  await running.logged("socket.close");
  gate.resolve();
  await bob.next("presence");
  await bob.next("presence");
  await bob.publish("marker");
  const received = (await bob.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.data] : []);
  assertEquals(received.slice(0, -1), [1, 2, 3, 4]);
});
