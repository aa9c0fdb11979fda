/** The dialogues at the end of docs/protocol.md, replayed line by line. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { backplaneOf, changeRoomServices, storeMessages } from "../support/room_services.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { Conversation, type Line, readDialogues } from "./dialogue.ts";

/** The lines of the dialogue whose title begins so. */
async function linesOf(beginning: string): Promise<readonly Line[]> {
  const found = (await readDialogues()).filter(({ title }) => title.startsWith(beginning));
  const [dialogue] = found;
  assert(dialogue && found.length === 1, `${found.length} dialogues begin with "${beginning}"`);
  return dialogue.lines;
}

/** The history's state, for what the document takes for given. */
function history(running: RunningServer) {
  return backplaneOf(running).history("rooms/lobby", { after: 0, limit: 500 });
}

Deno.test("every dialogue of the document is replayed here", async () => {
  assertEquals((await readDialogues()).map(({ title }) => title.split(/[,:;]/)[0]), [
    "Joining",
    "An ack was lost",
    "Resuming after 43",
    "Too late for some",
    "The isolate goes",
  ]);
});

Deno.test("dialogues: joining, an ack that was lost, and resuming", async () => {
  await using running = await startServer();
  await storeMessages(running, "lobby", 41);
  await using conversation = new Conversation(running);
  await conversation.replay(await linesOf("Joining"));

  const [first, ...retry] = await linesOf("An ack was lost");
  assert(first && first.text.endsWith("the connection breaks here; it connects again"));
  await conversation.replay([first]);
  // It has arrived, and nobody knows: what the server has said to it is not read.
  await eventually(() => history(running), ({ head }) => head === 43);
  await conversation.reconnect("lobby");
  assertEquals((await conversation.client.take()).type, "presence");
  await conversation.replay(retry);
  // Stored once, delivered once: to whom it was live, and that one is gone.
  assertEquals((await history(running)).messages.filter(({ id }) => id === "a2").length, 1);
  assertEquals(await conversation.client.takeAll(), []);

  await conversation.client[Symbol.asyncDispose]();
  await storeMessages(running, "lobby", 2);
  await conversation.replay(await linesOf("Resuming after 43"));
  assertEquals(await conversation.client.takeAll(), []);
});

Deno.test("dialogues: too late for some", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "30" } });
  const epoch = await storeMessages(running, "lobby", 120);
  await using conversation = new Conversation(running);
  conversation.name("e1", epoch);
  const [first] = await linesOf("Resuming after 43");
  assert(first);
  // The same line, when more has been published since.
  await conversation.replay([first, ...await linesOf("Too late for some")]);
  assertEquals(await conversation.client.offsets(29), Array.from({ length: 29 }, (_, index) => index + 92));
});

Deno.test("dialogues: the isolate goes", async () => {
  await using running = await startServer();
  await using next = await startServer({ issuer: running.issuer });
  changeRoomServices(next, { backplane: backplaneOf(running) });
  await storeMessages(running, "lobby", 120);
  const [going, closed, ...again] = await linesOf("The isolate goes");
  assert(going && closed);
  await using conversation = new Conversation(running);
  await conversation.reconnect("lobby");
  const { client } = conversation;
  assertEquals((await client.take()).type, "presence");
  const drained = running.engine.connections.drain("wall_clock", 200);
  await conversation.replay([going, closed]);
  await drained;

  await using resumed = new Conversation(next);
  resumed.name("e1", client.welcome.epoch);
  resumed.name("c-2", client.connection);
  await resumed.replay(again);
  const welcome = await resumed.client.take();
  assert(welcome.type === "welcome");
  assertEquals([welcome.offset, welcome.recovered], [120, true]);
});
