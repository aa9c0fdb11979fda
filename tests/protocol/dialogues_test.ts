/** Replays the dialogues at the end of docs/protocol.md line by line. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { backplaneOf, changeRoomServices, storeMessages } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { Conversation, type Line, readDialogues } from "./dialogue.ts";

/** Finds the lines of the only dialogue whose title has this beginning. */
async function linesOf(beginning: string): Promise<readonly Line[]> {
  const found = (await readDialogues()).filter(({ title }) => title.startsWith(beginning));
  const [dialogue] = found;
  assert(dialogue && found.length === 1, `${found.length} dialogues begin with "${beginning}"`);
  return dialogue.lines;
}

/** Reads the history that the document assumes. */
function history(running: RunningServer) {
  return backplaneOf(running).history("rooms/lobby", { after: 0, limit: 500 });
}

Deno.test("every dialogue of the document has a test", async () => {
  assertEquals((await readDialogues()).map(({ title }) => title.split(/[,:;]/)[0]), [
    "Joining",
    "An ack was lost",
    "Resuming after 43",
    "Too late for some",
    "The isolate goes",
    "A room of a shared socket",
  ]);
});

Deno.test("dialogues: joining, a lost ack, and resuming", async () => {
  await using running = await startServer();
  await storeMessages(running, "lobby", 41);
  await using conversation = new Conversation(running);
  await conversation.replay(await linesOf("Joining"));

  const [first, ...retry] = await linesOf("An ack was lost");
  assert(first && first.text.endsWith("the connection breaks here; it connects again"));
  await conversation.replay([first]);
  // The publish has arrived, but the client never reads its ack.
  await eventually(() => history(running), ({ head }) => head === 43);
  await conversation.reconnect("lobby");
  assertEquals((await conversation.client.take()).type, "presence");
  await conversation.replay(retry);
  // Stored once; delivered once, to the connection that is gone.
  assertEquals((await history(running)).messages.filter(({ id }) => id === "a2").length, 1);
  assertEquals(await conversation.client.takeAll(), []);

  await conversation.client[Symbol.asyncDispose]();
  await storeMessages(running, "lobby", 2);
  await conversation.replay(await linesOf("Resuming after 43"));
  assertEquals(await conversation.client.takeAll(), []);
});

Deno.test("dialogues: a resume after some messages were removed", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "30" } });
  const epoch = await storeMessages(running, "lobby", 120);
  await using conversation = new Conversation(running);
  conversation.name("e1", epoch);
  const [first] = await linesOf("Resuming after 43");
  assert(first);
  // The same request, after more publishes.
  await conversation.replay([first, ...await linesOf("Too late for some")]);
  assertEquals(await conversation.client.offsets(29), Array.from({ length: 29 }, (_, index) => index + 92));
});

Deno.test("dialogues: the isolate drains", async () => {
  await using running = await startServer();
  await using next = await startServer({ issuer: running.issuer });
  changeRoomServices(next, { backplane: backplaneOf(running) });
  await storeMessages(running, "lobby", 120);
  const [draining, closed, ...resuming] = await linesOf("The isolate goes");
  assert(draining && closed);
  await using conversation = new Conversation(running);
  await conversation.reconnect("lobby");
  const { client } = conversation;
  assertEquals((await client.take()).type, "presence");
  const drained = running.engine.connections.drain("wall_clock", 200);
  await conversation.replay([draining, closed]);
  await drained;

  await using resumed = new Conversation(next);
  resumed.name("e1", client.welcome.epoch);
  resumed.name("c-2", client.connection);
  await resumed.replay(resuming);
  const welcome = await resumed.client.take();
  assert(welcome.type === "welcome");
  assertEquals([welcome.offset, welcome.recovered], [120, true]);
});

Deno.test("dialogues: a socket for many rooms", async () => {
  await using running = await startServer();
  await storeMessages(running, "lobby", 41);
  await using conversation = new Conversation(running);
  await conversation.replay(await linesOf("A room of a shared socket"));
  assertEquals(await conversation.client.takeAll(), []);
});
