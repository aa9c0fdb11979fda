/** docs/protocol.md, rules 5.12 and 5.13: `key` and `ack` of an ephemeral publish. */
import { assertEquals } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

for (const { kind, plain } of KINDS) {
  Deno.test(`5.12 a message of ${kind} comes without its key`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    for (const data of ["one", "two"]) {
      await alice.publish(data, { ephemeral: true, key: "😀".repeat(64) });
      const { type: _, ...message } = await alice.next("message");
      assertEquals(message.data, data);
      assertEquals(Object.keys(message).sort(), ["at", "data", "event", "from", "id"]);
    }
  });

  Deno.test(`5.13 with \`ack: false\` a message of ${kind} is delivered, and has no ack`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, "r", { plain });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    alice.send(publishFrame("silent", { ephemeral: true, ack: false }));
    alice.send(publishFrame("not to me", { ephemeral: true, ack: false, exclude: "self" }));
    await alice.publish("acked", { ephemeral: true, ack: true });
    await alice.publish("stored", { ack: true });
    for (const data of ["silent", "not to me", "acked", "stored"]) {
      assertEquals((await bob.next("message")).data, data);
    }
    assertEquals((await alice.takeAll()).filter(({ type }) => type === "ack"), []);
  });

  Deno.test(`5.13 with \`ack: false\` ${kind} still gets errors with the id`, async () => {
    await using running = await startServer();
    const emit = () => Promise.reject(new BackplaneUnavailable("away"));
    changeRoomServices(running, { backplane: changedBackplane(backplaneOf(running), { emit }) });
    await using alice = await RoomClient.join(running, "r", { plain });
    const answer = await alice.request(publishFrame("x", { ephemeral: true, ack: false }));
    assertEquals(answer.type === "error" && answer.code, "unavailable");
  });
}
