/** docs/protocol.md, rule 10.4. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { kernelBufferBytes } from "../support/kernel_buffers.ts";
import { backplaneOf } from "../support/room_services.ts";
import { freshId, RoomClient, roomUrl } from "../support/room_client.ts";
import { closeCode, OPCODE, type RawFrame, RawSocket } from "../../tools/support/wire/raw_socket.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const MEBIBYTE = 1_048_576;
/** Data of a large message. */
const FILLER = "a".repeat(60_000);

/** Sends more than the kernel buffers plus a megabyte, no faster than the reader receives. */
async function flood(
  running: RunningServer,
  reader: RoomClient,
  kind: "durable" | "ephemeral",
): Promise<number> {
  const backplane = backplaneOf(running);
  const count = Math.ceil((await kernelBufferBytes() + 3 * MEBIBYTE) / FILLER.length);
  for (let index = 0; index < count; index++) {
    const message = { id: freshId(), event: "e", data: JSON.stringify(FILLER), from: { user: "sender" } };
    if (kind === "durable") await backplane.publish("rooms/r", [message]);
    else await backplane.emit("rooms/r", { ...message, at: Date.now() });
    // A slow reader does not delay the other members.
    assertEquals((await reader.next("message")).id, message.id);
  }
  return count;
}

/** Reads up to the close, or up to a frame that contains `marker`; counts the messages. */
async function readUntil(
  sleeper: RawSocket,
  marker: string,
): Promise<{ readonly messages: number; readonly last: RawFrame }> {
  for (let messages = 0;;) {
    const frame = await sleeper.read();
    assert(frame, "the connection broke");
    if (frame.opcode === OPCODE.ping) continue;
    if (frame.opcode !== OPCODE.text) return { messages, last: frame };
    const text = new TextDecoder().decode(frame.payload);
    if (text.includes(marker)) return { messages, last: frame };
    if (text.includes('"type":"message"')) messages++;
  }
}

Deno.test("10.4 a slow reader gets no more ephemeral messages and stays connected", async () => {
  await using running = await startServer();
  using sleeper = await RawSocket.open(await roomUrl(running, "r", { user: "sleeper" }));
  await sleeper.untilTakenIn();
  await using reader = await RoomClient.join(running, "r", { user: "reader" });
  const sent = await flood(running, reader, "ephemeral");
  await reader.publish("the durable marker");
  const { messages, last } = await readUntil(sleeper, "the durable marker");
  assertEquals(last.opcode, OPCODE.text);
  assertLess(messages, sent);
  // The reader has caught up, and gets ephemeral messages again.
  await reader.publish("the ephemeral marker", { ephemeral: true });
  assertEquals((await readUntil(sleeper, "the ephemeral marker")).last.opcode, OPCODE.text);
});

Deno.test("10.4 a client that reads durable messages too slowly is closed with 1013, and delays no other member", async () => {
  await using running = await startServer();
  using sleeper = await RawSocket.open(await roomUrl(running, "r", { user: "sleeper" }));
  await sleeper.untilTakenIn();
  await using reader = await RoomClient.join(running, "r", { user: "reader" });
  const sent = await flood(running, reader, "durable");
  const { messages, last } = await readUntil(sleeper, "none");
  assertEquals([last.opcode, closeCode(last)], [OPCODE.close, 1013]);
  assertLess(messages, sent);
  assertEquals((await reader.publish("marker")).offset, sent + 1);
});

Deno.test("10.4 a client with a large replay is not a slow reader", async () => {
  await using running = await startServer({
    env: { SLOW_BUFFERED_BYTES: "65536", MAX_BUFFERED_BYTES: "200000" },
  });
  const backplane = backplaneOf(running);
  const from = { user: "sender" };
  for (let count = 0; count < 100; count++) {
    await backplane.publish("rooms/r", [{ id: freshId(), event: "e", data: JSON.stringify(FILLER), from }]);
  }
  for (const plain of [true, false]) {
    await using alice = await RoomClient.join(running, "r", { plain, query: { history: 100 } });
    for (let offset = 1; offset <= 100; offset++) assertEquals(await alice.offsets(1), [offset]);
  }
});
