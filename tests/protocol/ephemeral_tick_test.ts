/** docs/protocol.md, rule 5.12: messages with a `key`, in a deployment that sends them in ticks. */
import { assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

const CURSOR = { event: "move", ephemeral: true, key: "cursor", ack: false } as const;
const ACKED = { ...CURSOR, ack: true } as const;
const UNKEYED = { event: "move", ephemeral: true, ack: false } as const;
const POSITIONS = Array.from({ length: 10 }, (_, index) => index);

function startTicking(tickMs: number): Promise<RunningServer> {
  return startServer({ env: { EPHEMERAL_TICK_MS: String(tickMs) } });
}

/** Takes the data of messages up to one that is the last. */
async function takeUntil(member: RoomClient, last: unknown): Promise<unknown[]> {
  const taken: unknown[] = [];
  while (taken.at(-1) !== last) taken.push((await member.next("message")).data);
  return taken;
}

for (const { kind, plain } of KINDS) {
  Deno.test(`5.12 of messages with one key that wait, ${kind} gets the last`, async () => {
    await using running = await startTicking(50);
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    alice.sendJson(POSITIONS.map((data) => publishFrame(data, CURSOR)));
    for (const member of [alice, bob]) assertEquals(await takeUntil(member, 9), [9]);
    for (const data of POSITIONS) alice.send(publishFrame(data, CURSOR));
    assertLess((await takeUntil(bob, 9)).length, POSITIONS.length);
  });

  Deno.test(`5.12 no message without a key is left out for ${kind}`, async () => {
    await using running = await startTicking(50);
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    alice.sendJson(POSITIONS.map((data) => publishFrame(data, UNKEYED)));
    for (const member of [alice, bob]) assertEquals(await takeUntil(member, 9), POSITIONS);
  });
}

Deno.test("5.12 neither another sender, connection or event nor another key replaces a message", async () => {
  await using running = await startTicking(300);
  await using alice = await RoomClient.join(running, "r");
  await using phone = await RoomClient.join(running, "r");
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await alice.publish("opens the tick", { ephemeral: true });
  await bob.next("message");
  await alice.publish("alice's", ACKED);
  await phone.publish("the phone's", ACKED);
  await bob.publish("bob's", ACKED);
  await alice.publish("other event", { ...ACKED, event: "draw" });
  await alice.publish("other key", { ...ACKED, key: "other" });
  await alice.publish("last", { ephemeral: true });
  const expected = ["alice's", "the phone's", "bob's", "other event", "other key", "last"];
  assertEquals(await takeUntil(bob, "last"), expected);
});

Deno.test("5.12 of a user's messages over HTTP with one key that wait, members get the last", async () => {
  await using running = await startTicking(300);
  await using bob = await RoomClient.join(running, "r", { user: "bob" });
  await bob.publish("opens the tick", { ephemeral: true });
  await bob.next("message");
  const { type: _, ...cursor } = publishFrame("last", CURSOR);
  for (const data of [1, 2, "last"]) {
    const response = await fetch(`${running.origin}/realtime/rooms/r/messages`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${await running.issuer.token("alice")}`,
      },
      body: JSON.stringify({ ...cursor, data }),
    });
    assertEquals([response.status, await response.json()], [202, { id: cursor.id }]);
  }
  assertLess((await takeUntil(bob, "last")).length, 3);
});

Deno.test("5.12 messages wait for the tick, and a durable one takes them along in order", async () => {
  await using running = await startTicking(300);
  await using alice = await RoomClient.join(running, "r");
  const startedAt = performance.now();
  await alice.publish("opens the tick", ACKED);
  await takeUntil(alice, "opens the tick");
  await alice.publish("waits", ACKED);
  await takeUntil(alice, "waits");
  assertGreaterOrEqual(performance.now() - startedAt, 290);
  alice.send([publishFrame("before", CURSOR), publishFrame("durable"), publishFrame("after", UNKEYED)]);
  assertEquals(await takeUntil(alice, "after"), ["before", "durable", "after"]);
});
