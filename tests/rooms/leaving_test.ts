/** A member that leaves during an outage of the backplane, which is no fault of the endpoint. */
import { assertEquals } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { SocketClient } from "../../tools/support/wire/socket_client.ts";

const unavailable = () => Promise.reject(new BackplaneUnavailable("unavailable"));

Deno.test("a leave during an outage of the backplane is logged as backplane.unavailable", async () => {
  await using running = await startServer();
  const backplane = changedBackplane(backplaneOf(running), { leave: unavailable, linger: unavailable });
  changeRoomServices(running, { backplane });
  {
    await using client = await SocketClient.open(await running.socketUrl("/rooms/r"));
    await client.next();
  }
  const [event] = await running.logged("backplane.unavailable");
  assertEquals([event?.["level"], event?.["user"]], ["warn", "alice"]);
  assertEquals(running.logs.filter(({ level }) => level === "error"), []);
});
