/** docs/protocol.md, rule 7.11, where the copied connection and its resume are on two isolates. */
import { assertEquals } from "@std/assert";
import { BACKPLANES, startStore } from "../../tools/support/backplane_store.ts";
import { RoomClient } from "../support/room_client.ts";
import { changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";

for (const name of BACKPLANES) {
  Deno.test(`${name}: 7.11 a copied connection on another isolate enters again, and outlives the copy`, async () => {
    await using store = await startStore(name);
    const options = { env: { ...store.env, BACKPLANE: name } };
    await using one = await startServer(options);
    await using other = await startServer({ ...options, issuer: one.issuer });
    let movedMs = 0;
    changeRoomServices(one, { now: () => performance.now() + movedMs });
    await using bob = await RoomClient.join(other, "r", { user: "bob" });
    await using first = await RoomClient.join(one, "r");
    await first.present({ tab: 1 });
    for (const _ of ["members", "joined"]) await bob.next("presence");
    await using second = await RoomClient.join(other, "r", { query: first.resumption() });
    assertEquals((await bob.next("presence")).updated?.[0]?.previous, first.connection);
    // Its isolate knows it too, before the time begins.
    while ((await first.next("presence")).updated === undefined);
    movedMs = 2_000;
    first.send({ type: "ping", id: "p" });
    const entry = { user: "alice", connection: first.connection, state: { tab: 1 } };
    assertEquals((await bob.next("presence")).joined, [entry]);
    second.close(1000);
    assertEquals((await bob.next("presence")).left?.[0]?.connection, second.connection);
    await using late = await RoomClient.join(other, "r", { user: "late" });
    assertEquals((await late.next("presence")).members, [entry]);
  });
}
