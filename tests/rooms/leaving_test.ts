/** Who goes while the store is away: that is the store's trouble, and no fault of the endpoint's. */
import { assertEquals } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const away = () => Promise.reject(new BackplaneUnavailable("away"));

Deno.test("a member that goes while the backplane is away is logged as that", async () => {
  await using running = await startServer();
  const backplane = changedBackplane(backplaneOf(running), { leave: away, linger: away });
  changeRoomServices(running, { backplane });
  {
    await using client = await SocketClient.open(await running.socketUrl("/rooms/r"));
    await client.next();
  }
  const [event] = await running.logged("backplane.unavailable");
  assertEquals([event?.["level"], event?.["user"]], ["warn", "alice"]);
  assertEquals(running.logs.filter(({ level }) => level === "error"), []);
});
