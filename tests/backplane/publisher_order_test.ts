/**
 * Tests on real stores that a failed publish fails the pending publishes of its connection too, so
 * that the messages of a connection are stored in its order.
 */
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

/** An isolate whose connection to the store can be cut during a call. */
interface StallFixture {
  readonly isolate: Backplane;
  /** Stalls later calls, either before the store executes them or before it replies. */
  stall(when: "before" | "after"): Promise<void>;
  /**
   * Waits for this number of stored messages if replies stall; otherwise until the first call
   * stalls.
   */
  untilStalled(stored: number): Promise<void>;
  /** Cuts the stalled connection. */
  cut(): Promise<void>;
  /** Ends the stall. */
  release(): Promise<void>;
}

async function onPostgres(run: (fixture: StallFixture) => Promise<void>): Promise<void> {
  await using world = await PostgresTestWorld.create({ retryMs: 200 });
  // The world's own connection is busy while it holds the lock.
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
  const blocked = () =>
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
        // A table's lock: a locked room would be left out of the call.
        await transaction`lock table rooms.messages in share mode`;
        locked.resolve();
        await unlock.promise;
      });
      lock.catch(locked.reject);
      await locked.promise;
    },
    async untilStalled(stored) {
      if (!isStalledAfter.it) return void await eventually(blocked, ({ length }) => length === 1);
      const count = () => sql<{ count: number }[]>`select count(*)::int as count from rooms.messages`;
      await eventually(count, ([row]) => row?.count === stored);
    },
    async cut() {
      if (isStalledAfter.it) return void proxy.cut();
      for (const { pid } of await blocked()) await watch.sql`select pg_terminate_backend(${pid})`;
    },
    async release() {
      unlock.resolve();
      await lock;
    },
  });
  // The world closes before the proxy, which its connections use.
  await world.close();
}

async function onRedis(run: (fixture: StallFixture) => Promise<void>): Promise<void> {
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
      // The isolate has sent its calls by the time that the server replies to KEYS.
      const ids = async () => (await server.command("KEYS", `${world.prefix}*:id:*`)).trim().split("\n");
      await eventually(ids, ({ length }) => !isStalledAfter.it || length === stored);
    },
    async cut() {
      if (isStalledAfter.it) proxy.cut();
      else for (const type of ["normal", "pubsub"]) await server.command("CLIENT", "KILL", "TYPE", type);
    },
    async release() {
      await server.command("CLIENT", "UNPAUSE");
    },
  });
}

const STORES = [
  { name: "postgres", ignore: isWithoutPostgres, on: onPostgres },
  { name: "redis", ignore: isWithoutRedis, on: onRedis },
] as const;

/** Publishes until the store accepts the message, as clients do. */
async function publishWithRetry(isolate: Backplane, message: Draft): Promise<Stored | undefined> {
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
    const what = when === "before" ? "was not stored" : "was stored without a reply";
    Deno.test({
      name:
        `${name}: after a failed publish that ${what}, its connection's later publishes wait for its retry`,
      ignore,
      fn: () =>
        on(async ({ isolate, stall, untilStalled, cut, release }) => {
          await isolate.publish("r", [draft("before")]);
          const [first, ...behind] = drafts("m", 5);
          if (!first) return;
          await stall(when);
          const failing = assertRejects(() => isolate.publish("r", [first]), BackplaneUnavailable);
          await untilStalled(2);
          const failingBehind = behind.map((message) =>
            assertRejects(() => isolate.publish("r", [message]), BackplaneUnavailable)
          );
          // Publishes of other connections may fail too, since they share the cut connection.
          const others = [OTHER, SERVERS].map((message) =>
            isolate.publish("r", [message]).catch(unlessUnavailable)
          );
          await cut();
          await deadline(failing, PATIENCE_MS);
          await release();
          await deadline(Promise.all([...failingBehind, ...others]), PATIENCE_MS);
          for (const message of [OTHER, SERVERS]) await publishWithRetry(isolate, message);
          const stored: (Stored | undefined)[] = [];
          for (const message of [first, ...behind]) stored.push(await publishWithRetry(isolate, message));
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
    name: `${name}: a failed publish does not fail the publishes of other connections`,
    ignore,
    fn: () =>
      on(async ({ isolate, stall, untilStalled, cut, release }) => {
        await isolate.publish("r", [draft("before")]);
        await stall("before");
        const failing = assertRejects(() => isolate.publish("r", drafts("m", 1)), BackplaneUnavailable);
        await untilStalled(1);
        const others = [OTHER, SERVERS].map((message) => isolate.publish("r", [message]));
        const settled = Promise.allSettled(others);
        await cut();
        await deadline(failing, PATIENCE_MS);
        await release();
        await deadline(settled, PATIENCE_MS);
        const stored = await Promise.all(others);
        assertEquals(stored.flat().map(({ offset }) => offset), [2, 3]);
      }),
  });
}
