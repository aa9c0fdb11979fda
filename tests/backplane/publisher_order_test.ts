/** What of one connection waits behind a publish that failed fails too, so that its messages are stored in its order; on real stores. */
import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import {
  type Backplane,
  BackplaneUnavailable,
  type Draft,
  type Stored,
} from "../../packages/server/src/backplane/contract.ts";
import { TcpProxy } from "../isolates/tcp_proxy.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { PATIENCE_MS } from "../../tools/support/wire/socket_client.ts";
import { PostgresTestWorld } from "./postgres_world.ts";
import { RedisTestWorld } from "./redis_world.ts";
import { draft, drafts } from "./samples.ts";
import { USUAL } from "./world.ts";

/** An isolate whose connection to the store can be cut while something is under way. */
interface Scene {
  readonly isolate: Backplane;
  /** What is asked for from now on stands still: before it is done, or done and not answered. */
  stall(when: "before" | "after"): Promise<void>;
  /** Waits until so many messages are stored, though not answered; or until what was asked for first stands still. */
  untilStalled(stored: number): Promise<void>;
  /** Cuts what stands still. */
  cut(): Promise<void>;
  /** Nothing stands still any more. */
  goOn(): Promise<void>;
}

async function onPostgres(run: (scene: Scene) => Promise<void>): Promise<void> {
  await using world = await PostgresTestWorld.create({ retryMs: 200 });
  // The world's own connection is busy while it locks.
  await using watch = await createTestDatabase();
  const { sql } = world.database;
  const url = new URL(world.database.url);
  await using proxy = TcpProxy.open(Number(url.port));
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  const isolate = world.start({ url: url.href });
  await isolate.ready();
  let lock: Promise<unknown> = Promise.resolve();
  const unlock = Promise.withResolvers<void>();
  const stuck = () =>
    watch.sql<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = ${url.pathname.slice(1)} and wait_event_type = 'Lock'`;
  const isStalledAfter = { it: false };
  await run({
    isolate,
    async stall(when) {
      isStalledAfter.it = when === "after";
      if (isStalledAfter.it) return proxy.holdAnswers();
      const locked = Promise.withResolvers<void>();
      lock = sql.begin(async (transaction) => {
        await transaction`select from rooms.rooms for update`;
        locked.resolve();
        await unlock.promise;
      });
      lock.catch(locked.reject);
      await locked.promise;
    },
    async untilStalled(stored) {
      if (!isStalledAfter.it) return void await eventually(stuck, ({ length }) => length === 1);
      const count = () => sql<{ count: number }[]>`select count(*)::int as count from rooms.messages`;
      await eventually(count, ([row]) => row?.count === stored);
    },
    async cut() {
      if (isStalledAfter.it) return void proxy.cut();
      for (const { pid } of await stuck()) await watch.sql`select pg_terminate_backend(${pid})`;
    },
    async goOn() {
      unlock.resolve();
      await lock;
    },
  });
  // Before the proxy goes.
  await world.close();
}

async function onRedis(run: (scene: Scene) => Promise<void>): Promise<void> {
  await using server = await RedisProcess.start();
  await using proxy = TcpProxy.open(server.port);
  const place = { url: `redis://127.0.0.1:${proxy.port}` };
  await using world = new RedisTestWorld(place, [server], { ...USUAL, retryMs: 100, sweepMs: 50 });
  const isolate = await world.open();
  const isStalledAfter = { it: false };
  await run({
    isolate,
    async stall(when) {
      isStalledAfter.it = when === "after";
      if (isStalledAfter.it) proxy.holdAnswers();
      else await server.command("CLIENT", "PAUSE", "60000", "WRITE");
    },
    async untilStalled(stored) {
      // Whatever is asked for is sent by the time that this is answered.
      const look = async () => (await server.command("KEYS", `${world.prefix}*:id:*`)).trim().split("\n");
      await eventually(look, ({ length }) => !isStalledAfter.it || length === stored);
    },
    async cut() {
      if (isStalledAfter.it) proxy.cut();
      else for (const type of ["normal", "pubsub"]) await server.command("CLIENT", "KILL", "TYPE", type);
    },
    async goOn() {
      await server.command("CLIENT", "UNPAUSE");
    },
  });
}

const STORES = [
  { name: "postgres", ignore: isWithoutPostgres, on: onPostgres },
  { name: "redis", ignore: isWithoutRedis, on: onRedis },
] as const;

/** Publishes until it is stored, as clients do. */
async function publishAtLast(isolate: Backplane, message: Draft): Promise<Stored | undefined> {
  const [stored] = await eventually(
    () => isolate.publish("r", [message]).catch(unlessUnavailable),
    (results) => results.length > 0,
  );
  return stored;
}

function unlessUnavailable(error: unknown): readonly never[] {
  if (error instanceof BackplaneUnavailable) return [];
  throw error;
}

const OTHER = draft("other's", { from: { user: "bob", connection: "b1" } });
const SERVERS = draft("server's", { from: { user: "service_role" } });

for (const { name, ignore, on } of STORES) {
  for (const when of ["before", "after"] as const) {
    const what = when === "before" ? "was not stored" : "was stored, though nobody was told";
    Deno.test({
      name:
        `${name}: behind a publish that ${what} no other one of its connection is stored until it comes again`,
      ignore,
      fn: () =>
        on(async ({ isolate, stall, untilStalled, cut, goOn }) => {
          await isolate.publish("r", [draft("before")]);
          const [first, ...behind] = drafts("m", 5);
          if (!first) return;
          await stall(when);
          const failing = assertRejects(() => isolate.publish("r", [first]), BackplaneUnavailable);
          await untilStalled(2);
          const failingBehind = behind.map((message) =>
            assertRejects(() => isolate.publish("r", [message]), BackplaneUnavailable)
          );
          // Nobody else's has to fail, though it may: its way to the store was cut too.
          const others = [OTHER, SERVERS].map((message) =>
            isolate.publish("r", [message]).catch(unlessUnavailable)
          );
          await cut();
          await deadline(failing, PATIENCE_MS);
          await goOn();
          await deadline(Promise.all([...failingBehind, ...others]), PATIENCE_MS);
          for (const message of [OTHER, SERVERS]) await publishAtLast(isolate, message);
          const stored: (Stored | undefined)[] = [];
          for (const message of [first, ...behind]) stored.push(await publishAtLast(isolate, message));
          const { messages } = await isolate.history("r", { after: 0, limit: 100 });
          const own = messages.filter(({ from }) => from.user === "alice");
          assertEquals(own.map(({ id }) => id), ["before", "m1", "m2", "m3", "m4", "m5"]);
          assertEquals(stored.map((one) => one?.offset), own.slice(1).map(({ offset }) => offset));
          assertEquals(stored.map((one) => one?.duplicate), [when === "after", false, false, false, false]);
          assertEquals(messages.length, 8);
        }),
    });
  }

  Deno.test({
    name: `${name}: what was published by others while a connection's publish failed is stored at once`,
    ignore,
    fn: () =>
      on(async ({ isolate, stall, untilStalled, cut, goOn }) => {
        await isolate.publish("r", [draft("before")]);
        await stall("before");
        const failing = assertRejects(() => isolate.publish("r", drafts("m", 1)), BackplaneUnavailable);
        await untilStalled(1);
        const others = [OTHER, SERVERS].map((message) => isolate.publish("r", [message]));
        const settled = Promise.allSettled(others);
        await cut();
        await deadline(failing, PATIENCE_MS);
        await goOn();
        await deadline(settled, PATIENCE_MS);
        const stored = await Promise.all(others);
        assertEquals(stored.flat().map(({ offset }) => offset), [2, 3]);
      }),
  });
}
