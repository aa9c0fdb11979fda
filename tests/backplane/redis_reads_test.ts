/** Tests that reads are bounded, make no key, and leave the connection of the channels alone. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Backplane, BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { CallLimit } from "../../packages/server/src/call_limit.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { Listener } from "./listener.ts";
import { RedisTestWorld } from "./redis_world.ts";
import { draft, drafts, range } from "./samples.ts";

const MAX_PAGE_BYTES = 262_144;
const LARGE = `"${"x".repeat(60_000)}"`;

/** Registers a test with its own server. */
function readTest(
  statement: string,
  run: (world: RedisTestWorld, server: RedisProcess) => Promise<void>,
): void {
  Deno.test({
    name: `redis reads: ${statement}`,
    ignore: isWithoutRedis,
    fn: async () => {
      await using server = await RedisProcess.start();
      await using world = new RedisTestWorld({ url: server.url }, [server]);
      await run(world, server);
    },
  });
}

async function publishLarge(isolate: Backplane, count: number): Promise<void> {
  for (const number of range(1, count)) await isolate.publish("r", [draft(`m${number}`, { data: LARGE })]);
}

readTest("a page has at most 256 KB, and pages in both directions bring every message", async (world) => {
  const isolate = await world.open();
  await publishLarge(isolate, 21);
  const forwards: number[] = [];
  for (let more = true; more;) {
    const page = await isolate.history("r", { after: forwards.at(-1) ?? 0, limit: 500 });
    assert(page.messages.reduce((sum, { data }) => sum + data.length, 0) <= MAX_PAGE_BYTES);
    forwards.push(...page.messages.map(({ offset }) => offset));
    more = page.more;
  }
  assertEquals(forwards, range(1, 21));
  const backwards: number[] = [];
  for (let more = true; more;) {
    const page = await isolate.history("r", { before: backwards[0] ?? 22, limit: 500 });
    assert(page.messages.reduce((sum, { data }) => sum + data.length, 0) <= MAX_PAGE_BYTES);
    backwards.unshift(...page.messages.map(({ offset }) => offset));
    more = page.more;
  }
  assertEquals(backwards, range(1, 21));
});

readTest("a message above 256 KB makes a page of its own", async (world) => {
  const isolate = await world.open();
  await isolate.publish("r", [
    draft("before"),
    draft("large", { data: `"${"x".repeat(400_000)}"` }),
    draft("after"),
  ]);
  const ids = async (after: number) =>
    (await isolate.history("r", { after, limit: 500 })).messages.map(({ id }) => id);
  assertEquals([await ids(0), await ids(1), await ids(2)], [["before"], ["large"], ["after"]]);
});

readTest("reading a room that nobody has used makes no key", async (world, server) => {
  const isolate = await world.open();
  for (const number of range(1, 20)) {
    const page = await isolate.history(`unused-${number}`, { after: 0, limit: 1 });
    assertEquals(page, { epoch: "", head: 0, first: 1, messages: [], more: false });
    assertEquals(await isolate.present(`unused-${number}`), []);
  }
  assertEquals(await server.command("KEYS", "*"), "");
});

readTest("large reads cut no connection that has subscriptions", async (world, server) => {
  await server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 1");
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await publishLarge(isolate, 200);
  const pages = await Promise.all(range(1, 40).map(() => isolate.history("r", { after: 0, limit: 500 })));
  assert(pages.every(({ messages }) => messages.length === 4));
  await isolate.publish("r", [draft("last")]);
  await listener.untilId("last");
  assertEquals(listener.offsets, range(1, 201));
  assertEquals(world.events.filter(({ type }) => type !== "connected"), []);
});

readTest("many rooms with a large backlog are read again without a cut connection", async (world, server) => {
  const isolate = await world.open();
  const other = await world.open();
  const rooms = range(1, 100).map((number) => `r${number}`);
  const listeners = await Promise.all(rooms.map((room) => Listener.open(isolate, room)));
  await server.command("CONFIG", "SET", "requirepass", "closed");
  const admin = ["-a", "closed", "--no-auth-warning"];
  await server.command(...admin, "CLIENT", "KILL", "TYPE", "pubsub");
  const message = (id: string) => draft(id, { data: LARGE });
  await Promise.all(
    rooms.map((room) => other.publish(room, range(1, 10).map((number) => message(`${number}`)))),
  );
  await server.command(...admin, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 16mb 16mb 1");
  await server.command(...admin, "CONFIG", "SET", "requirepass", "");
  for (const listener of listeners) await listener.untilOffset(10);
  for (const listener of listeners) assertEquals(listener.offsets, range(1, 10));
  const reasons = world.events.flatMap((event) => event.type === "lost" ? [String(event.error)] : []);
  assertEquals(reasons.filter((reason) => !/WRONGPASS|NOAUTH/.test(reason)).length, 1, reasons.join("\n"));
});

readTest("a page brings the first messages of a page's limit", async (world) => {
  const isolate = await world.open();
  await isolate.publish("r", drafts("m", 100));
  const { messages, more } = await isolate.history("r", { after: 10, limit: 50 });
  assertEquals([messages.map(({ offset }) => offset), more], [range(11, 60), true]);
});

Deno.test("redis reads: a limit of calls runs them in their order, and refuses a full queue", async () => {
  const limit = new CallLimit(2, 1, () => new BackplaneUnavailable("The read queue is full."));
  const gates = range(1, 3).map(() => Promise.withResolvers<void>());
  const started: number[] = [];
  const calls = gates.map(({ promise }, index) =>
    limit.run(async () => {
      started.push(index);
      await promise;
    })
  );
  assertEquals(started, [0, 1]);
  await assertRejects(() => limit.run(() => Promise.resolve()), BackplaneUnavailable, "read queue");
  gates[0]?.reject(new Error("failed"));
  await assertRejects(() => calls[0] ?? Promise.resolve(), Error, "failed");
  assertEquals(started, [0, 1, 2]);
  gates.forEach(({ resolve }) => resolve());
  await Promise.all(calls.slice(1));
});
