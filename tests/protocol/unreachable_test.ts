/** docs/protocol.md, rules 13.2 and 13.3 for failed joins. */
import { assert, assertEquals } from "@std/assert";
import { type Backplane, BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { RoomClient } from "../support/room_client.ts";
import {
  backplaneOf,
  changedBackplane,
  changeRoomServices,
  storeMessages,
} from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

/** Makes a backplane method that a join needs fail until the returned function is called. */
function breakJoins(running: RunningServer, method: "subscribe" | "history", error: Error): () => void {
  const backplane = backplaneOf(running);
  let isBroken = true;
  const changes: Partial<Backplane> = method === "subscribe"
    ? { subscribe: (...given) => isBroken ? Promise.reject(error) : backplane.subscribe(...given) }
    : { history: (...given) => isBroken ? Promise.reject(error) : backplane.history(...given) };
  changeRoomServices(running, { backplane: changedBackplane(backplane, changes) });
  return () => isBroken = false;
}

const WAYS = [
  { error: new BackplaneUnavailable("away"), code: "unavailable", closedWith: 1013 },
  { error: new Error("the secret inner life"), code: "internal", closedWith: 1011 },
] as const;

for (const { kind, plain } of KINDS) {
  for (const { error, code, closedWith } of WAYS) {
    for (const method of ["subscribe", "history"] as const) {
      const what = `if ${method} fails with ${error.name} on joining, ${kind} gets ${code}`;
      Deno.test(`13.2 ${what} with retry_after_ms and a close with ${closedWith}, and can join later`, async () => {
        await using running = await startServer();
        await storeMessages(running, "r", 5);
        const repair = breakJoins(running, method, error);
        await using alice = await RoomClient.connect(running, "r", { plain, query: { history: 5 } });
        const refusal = await alice.next("error");
        assertEquals(refusal.code, code);
        assert(refusal.retry_after_ms !== undefined && refusal.retry_after_ms > 0);
        assert(!JSON.stringify(refusal).includes("secret"));
        assertEquals((await alice.closed()).code, closedWith);
        repair();
        await using later = await RoomClient.join(running, "r", { plain, query: { history: 5 } });
        assertEquals(await later.offsets(5), [1, 2, 3, 4, 5]);
        assertEquals(running.engine.connections.count, 1);
      });
    }
  }
}

Deno.test("13.3 a room that fails to open affects only the members that waited for it", async () => {
  await using running = await startServer();
  const gate = Promise.withResolvers<void>();
  const backplane = backplaneOf(running);
  let opened = 0;
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async subscribe(room, deliver) {
        if (room.endsWith("/broken") && ++opened === 1) {
          await gate.promise;
          throw new BackplaneUnavailable("away");
        }
        return await backplane.subscribe(room, deliver);
      },
    }),
  });
  await using fine = await RoomClient.join(running, "fine");
  await using alice = await RoomClient.connect(running, "broken");
  await using bob = await RoomClient.connect(running, "broken", { user: "bob", plain: true });
  gate.resolve();
  for (const member of [alice, bob]) assertEquals((await member.closed()).code, 1013);
  await using carol = await RoomClient.join(running, "broken", { user: "carol" });
  assertEquals((await carol.publish("x")).offset, 1);
  assertEquals((await fine.publish("x")).offset, 1);
});
