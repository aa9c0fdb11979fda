/** Tests epochs, history and presence after Redis restarts, or loses a part of its data. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { TcpProxy } from "../isolates/tcp_proxy.ts";
import { Listener } from "./listener.ts";
import { ALL, DURABLE, failureTest, publishWithRetry, untilReset } from "./redis_failure.ts";
import { draft, drafts, entry, range } from "./samples.ts";

failureTest(
  "a server that restarts without data resets subscriptions and starts a new epoch",
  async (world, server) => {
    const isolate = await world.open();
    await isolate.enter("r", entry("alice1", '{"a":1}'));
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", drafts("m", 3));
    await listener.untilOffset(3);
    await server.stop("SIGKILL");
    await server.startAgain();
    await untilReset(listener);
    const again = await Listener.open(isolate, "r");
    assertNotEquals(again.subscription.epoch, listener.subscription.epoch);
    assertEquals(await isolate.publish("r", [draft("m3")]), [{ offset: 1, duplicate: false }]);
    await again.untilOffset(1);
    // The isolate enters its connections again.
    const present = () => isolate.present("r");
    await eventually(present, (entries) => entries.length === 1);
    assertEquals(await isolate.present("r"), [entry("alice1", '{"a":1}')]);
  },
);

failureTest(
  "a server that restarts with all data keeps the epoch for isolates that stayed",
  async (world, server) => {
    const isolates = [await world.open(), await world.open()];
    const [isolate] = isolates;
    assert(isolate);
    await isolate.enter("r", entry("alice1"));
    const listeners = await Promise.all(isolates.map((one) => Listener.open(one, "r")));
    await isolate.publish("r", drafts("m", 3));
    for (const listener of listeners) await listener.untilOffset(3);
    await server.stop();
    await server.startAgain();
    // A fresh isolate knows nothing, and waits until the other isolates have confirmed.
    const fresh = await world.open();
    assertEquals(await publishWithRetry(fresh, draft("m4")), { offset: 4, duplicate: false });
    assertEquals(await publishWithRetry(isolate, draft("m3")), { offset: 3, duplicate: true });
    for (const listener of listeners) {
      await listener.untilOffset(4);
      assertEquals(listener.ids, ["m1", "m2", "m3", "m4"]);
      assertEquals(new Set(listener.events.map(({ type }) => type)), new Set(["messages"]));
      assertEquals((await fresh.history("r", ALL)).epoch, listener.subscription.epoch);
    }
    assertEquals(await fresh.present("r"), [entry("alice1")]);
    await isolate.leave("r", "alice1");
    for (const listener of listeners) await listener.untilChanges(1);
  },
  { settings: DURABLE },
);

failureTest(
  "no confirmation waits for an isolate that closed before the restart",
  async (world, server) => {
    const isolate = await world.open();
    const other = await world.open();
    const listener = await Listener.open(isolate, "r");
    await other.publish("r", drafts("m", 2));
    await other.close();
    await server.stop("SIGKILL");
    await server.startAgain();
    assertEquals(await publishWithRetry(isolate, draft("m3")), { offset: 3, duplicate: false });
    await listener.untilOffset(3);
    assertEquals(listener.offsets, [1, 2, 3]);
  },
  { settings: DURABLE, confirmMs: 1_000_000 },
);

failureTest(
  "the epoch changes after the restart if an isolate died with the server and cannot confirm",
  async (world, server) => {
    const isolate = await world.open();
    const other = await world.open();
    const listener = await Listener.open(isolate, "r");
    await other.publish("r", drafts("m", 2));
    await listener.untilOffset(2);
    await other.abandon();
    await server.stop();
    await server.startAgain();
    await untilReset(listener);
    const page = await (await world.open()).history("r", ALL);
    assertNotEquals(page.epoch, listener.subscription.epoch);
    assertEquals(page.messages.map(({ id }) => id), ["m1", "m2"]);
  },
  { settings: DURABLE, confirmMs: 300 },
);

failureTest(
  "an isolate that confirms after new messages replaced lost ones changes the epoch",
  async (world, server) => {
    const survivor = await world.open();
    await survivor.publish("r", drafts("m", 3));
    await server.command("SAVE");
    // The snapshot contains neither later messages nor the late isolate itself.
    await using proxy = TcpProxy.open(server.port);
    const late = await world.open({ place: { url: `redis://127.0.0.1:${proxy.port}` } });
    const listener = await Listener.open(late, "r");
    await late.publish("r", drafts("lost", 2));
    await listener.untilOffset(5);
    proxy.shut();
    await server.stop("SIGKILL");
    await server.startAgain();
    // More messages than were lost: the head alone does not show the loss.
    for (const offset of range(4, 7)) {
      assertEquals(await publishWithRetry(survivor, draft(`new${offset}`)), { offset, duplicate: false });
    }
    assertEquals((await survivor.history("r", ALL)).epoch, listener.subscription.epoch);
    proxy.reopen();
    await untilReset(listener);
    assertNotEquals((await survivor.history("r", ALL)).epoch, listener.subscription.epoch);
  },
);

failureTest(
  "the loss of an acknowledged message changes the epoch before the next message is stored",
  async (world, server) => {
    const isolate = await world.open();
    await isolate.publish("r", drafts("m", 3));
    const { epoch } = await isolate.history("r", ALL);
    await server.command("SAVE");
    await isolate.publish("r", drafts("lost", 2));
    await server.stop("SIGKILL");
    await server.startAgain();
    const other = await world.open();
    assertEquals(await publishWithRetry(other, draft("new")), { offset: 4, duplicate: false });
    assertNotEquals((await other.history("r", ALL)).epoch, epoch);
  },
  { confirmMs: 1_000_000 },
);

failureTest("a room without a running isolate gets a new epoch after the restart", async (world, server) => {
  const isolate = await world.open();
  await isolate.publish("r", drafts("m", 3));
  const { epoch } = await isolate.history("r", ALL);
  await isolate.close();
  await server.stop();
  await server.startAgain();
  const page = await (await world.open()).history("r", ALL);
  assertNotEquals(page.epoch, epoch);
  assertEquals(page.head, 3);
}, { settings: DURABLE, confirmMs: 1_000_000 });

failureTest(
  "a server that restarts with an older state changes the epoch, whichever isolate publishes first",
  async (world, server) => {
    const isolate = await world.open();
    const listener = await Listener.open(isolate, "r");
    await isolate.publish("r", drafts("m", 3));
    await server.command("SAVE");
    await isolate.publish("r", drafts("lost", 2));
    await listener.untilOffset(5);
    await server.stop("SIGKILL");
    await server.startAgain();
    // An isolate without a known state reuses the lost offsets.
    const other = await world.open();
    assertEquals(
      await other.publish("r", drafts("new", 4)),
      range(4, 7).map((offset) => ({ offset, duplicate: false })),
    );
    await untilReset(listener);
    assertEquals(listener.offsets, range(1, 5));
    assertNotEquals((await other.history("r", ALL)).epoch, listener.subscription.epoch);
  },
);

failureTest("a head that decreases in a running server changes the epoch", async (world, server) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", drafts("m", 5));
  await listener.untilOffset(5);
  const keys = (await server.command("KEYS", `${world.prefix}*`)).split("\n");
  const room = keys.find((key) => key.endsWith("}"));
  assert(room !== undefined);
  await server.command("LTRIM", `${room}:messages`, "0", "2");
  await server.command("HSET", room, "head", "3");
  const other = await world.open();
  const { epoch } = await other.history("r", ALL);
  assertEquals(await other.publish("r", [draft("over")]), [{ offset: 4, duplicate: false }]);
  await untilReset(listener);
  assertNotEquals((await other.history("r", ALL)).epoch, epoch);
});

failureTest("FLUSHALL resets subscriptions, with the next publish at the latest", async (world, server) => {
  const isolate = await world.open();
  const other = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.publish("r", drafts("m", 3));
  await listener.untilOffset(3);
  await server.command("FLUSHALL");
  assertEquals(await other.publish("r", [draft("m1")]), [{ offset: 1, duplicate: false }]);
  await untilReset(listener);
  assertEquals(listener.offsets, [1, 2, 3]);
});

failureTest(
  "FLUSHALL is detected without a publish, and entries are entered again",
  async (world, server) => {
    const isolate = await world.open();
    await isolate.enter("r", entry("alice1"));
    const listener = await Listener.open(isolate, "r");
    await server.command("FLUSHALL");
    await world.advance(0);
    await untilReset(listener);
    assertEquals(await isolate.present("r"), [entry("alice1")]);
  },
);

failureTest(
  "evicted messages are missing from history, and evicted presence is entered again",
  async (world, server) => {
    const isolate = await world.open();
    const other = await world.open();
    await isolate.enter("r", entry("alice1"));
    await other.enter("r", entry("bob1"));
    await isolate.publish("r", drafts("m", 3));
    const keys = (await server.command("KEYS", `${world.prefix}*`)).split("\n");
    const evicted = keys.filter((key) => key.endsWith(":messages") || key.endsWith(":present"));
    assertEquals(evicted.length, 2);
    await server.command("DEL", ...evicted);
    const page = await other.history("r", ALL);
    assertEquals([page.head, page.first, page.messages], [3, 4, []]);
    await world.advance(0);
    assertEquals((await other.present("r")).map(({ connection }) => connection).sort(), ["alice1", "bob1"]);
    assertEquals(await other.publish("r", [draft("next")]), [{ offset: 4, duplicate: false }]);
  },
);
