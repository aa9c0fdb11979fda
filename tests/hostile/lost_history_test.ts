import { assertEquals } from "@std/assert";
import type { RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { RoomClient, roomUrl } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";

Deno.test("a member whose room loses its history while it joins is not left in a room that is dead (4.1, 6.3)", async () => {
  await using running = await startServer();
  const backplane = backplaneOf(running);
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const delivers: ((event: RoomEvent) => void)[] = [];
  let isReset = false;
  let isFirstPage = true;
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      subscribe(room, deliver) {
        const isFirst = delivers.push(deliver) === 1;
        // A store delivers nothing after a reset.
        return backplane.subscribe(room, (event) => isFirst && isReset ? undefined : deliver(event));
      },
      async history(room, page) {
        if (isFirstPage) {
          isFirstPage = false;
          asked.resolve();
          await gate.promise;
        }
        return await backplane.history(room, page);
      },
    }),
  });
  const url = await roomUrl(running, "room", { query: { history: 10 } });
  await using joining = await TcpMember.open(url);
  await asked.promise;
  delivers[0]?.({ type: "reset" });
  isReset = true;
  gate.resolve();
  // The member is closed with 1012, or is live in the room that later members join.
  await using other = await RoomClient.join(running, "room", { user: "bob" });
  await other.publish("for everybody");
  const isLive = await joining.until(({ type }) => type === "message", "the message or its end").then(
    () => true,
    () => false,
  );
  if (!isLive) assertEquals(await joining.ended, 1012);
  assertEquals(delivers.length, 2);
});
