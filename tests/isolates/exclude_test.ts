/** docs/protocol.md, rules 5.11 and 12.15, where the sender's connection is on another isolate. */
import { assertEquals } from "@std/assert";
import { BACKPLANES, startStore } from "../../tools/support/backplane_store.ts";
import { ANY_RATE, publishFrame, RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const ROUNDS = 30;

async function post(running: RunningServer, token: string, body: unknown): Promise<number> {
  const response = await fetch(`${running.origin}/realtime/rooms/r/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  await response.body?.cancel();
  return response.status;
}

for (const name of BACKPLANES) {
  Deno.test(`${name}: 12.15 a message over HTTP does not come to its sender, who is on another isolate`, async () => {
    await using store = await startStore(name);
    const options = { env: { ...ANY_RATE, USER_REQUESTS_PER_SECOND: "1000", ...store.env, BACKPLANE: name } };
    await using one = await startServer(options);
    await using other = await startServer({ ...options, issuer: one.issuer });
    await using alice = await RoomClient.join(one, "r");
    await using bob = await RoomClient.join(other, "r", { user: "bob" });
    const token = await one.issuer.token("alice");
    for (let round = 0; round < ROUNDS; round++) {
      bob.send(publishFrame("bob's"));
      alice.send(publishFrame("socket", { exclude: "self" }));
      const body = { event: "chat", data: "http", exclude: "self", connection: alice.connection };
      assertEquals(await post(other, token, { ...body, id: `h${round}` }), 201);
      assertEquals(await post(other, token, { ...body, id: `e${round}`, ephemeral: true }), 202);
    }
    await bob.publish("last");
    const received: unknown[] = [];
    const offsets: number[] = [];
    for (let last: unknown; last !== "last";) {
      const frame = await alice.take();
      if (frame.type === "message") received.push(last = frame.data);
      if ((frame.type === "message" || frame.type === "ack") && frame.offset) offsets.push(frame.offset);
    }
    assertEquals(received, [...Array(ROUNDS).fill("bob's"), "last"]);
    // Some acks of the socket came before the messages in front of them.
    offsets.sort((one, other) => one - other);
    assertEquals(offsets, Array.from({ length: 3 * ROUNDS + 1 }, (_, index) => index + 1));
  });
}
