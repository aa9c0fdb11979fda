/**
 * Tests that Postgres which refuses what rooms need is not ready, and that rooms are back once it
 * does not.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { Database } from "../../packages/server/src/backplane/postgres/database.ts";
import type { PostgresBackplane } from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutPostgres, PostgresServer } from "../../tools/support/postgres/server.ts";
import { Listener } from "./listener.ts";
import { PostgresTestWorld } from "./postgres_world.ts";
import { draft, entry, range } from "./samples.ts";
import { testOnPostgres } from "./test_on_postgres.ts";

/** Waits until `ready` resolves, or rejects. */
async function untilReady(isolate: PostgresBackplane, isWanted: boolean): Promise<void> {
  await eventually(() => isolate.ready().then(() => true, () => false), (isReady) => isReady === isWanted);
}

testOnPostgres("sessions that were opened read-only are replaced", async (world) => {
  const isolate = await world.open();
  const listener = await Listener.open(isolate, "r");
  await isolate.enter("r", entry("alice1"));
  const { sql } = world.database;
  const setDefault = (value: string) =>
    sql.unsafe(`do $$ begin
    execute format('alter database %I set default_transaction_read_only = ${value}', current_database());
  end $$`);
  try {
    await setDefault("on");
    await world.cut();
    await untilReady(isolate, false);
    await assertRejects(() => isolate.publish("r", [draft("refused")]), BackplaneUnavailable, "read-only");
  } finally {
    await setDefault("off");
  }
  await untilReady(isolate, true);
  await isolate.publish("r", [draft("m")]);
  await listener.untilId("m");
  assertEquals(listener.present, [entry("alice1")]);
});

Deno.test({
  name: "postgres: a server that becomes read-only by a reload is not ready, and recovers by itself",
  ignore: isWithoutPostgres,
  fn: async () => {
    const server = await PostgresServer.start();
    try {
      await using world = await PostgresTestWorld.create({ server: server.url, retryMs: 200, leaseMs: 900 });
      const isolate = await world.open();
      const listener = await Listener.open(isolate, "r");
      const { sql } = world.database;
      for (const value of ["on", "off"]) {
        // Nobody publishes: the renewal of the lease finds out.
        await sql`set default_transaction_read_only = off`;
        await sql.unsafe(`alter system set default_transaction_read_only = ${value}`);
        await sql`select pg_reload_conf()`;
        await untilReady(isolate, value === "off");
      }
      await isolate.publish("r", [draft("m")]);
      await listener.untilId("m");
    } finally {
      await server.stop("immediate");
    }
  },
});

/** Reads the grants of docs/deploy.md, for another role. */
async function documentedGrants(role: string): Promise<string> {
  const docs = await Deno.readTextFile(new URL("../../docs/deploy.md", import.meta.url));
  const [, grants] = /^```sql\n(create role realtime [^`]+)```$/m.exec(docs) ?? [];
  assert(grants !== undefined);
  return grants.replaceAll("realtime", role);
}

/** Rights, each with the SQL that revokes it and the text that names it in the error. */
const RIGHTS: readonly (readonly [right: string, what: string, named: string])[] = [
  [
    "a function",
    "execute on function rooms.linger(text, text, bigint)",
    "execute rooms.linger(text,text,bigint)",
  ],
  ["a table", "insert on rooms.messages", "insert on rooms.messages"],
  ["a sequence", "usage on sequence rooms.losses", "usage on rooms.losses"],
  ["the schema", "usage on schema rooms", "schema rooms"],
];

for (const [right, what, named] of RIGHTS) {
  testOnPostgres(
    `without the right to ${right} rooms are not ready, and a grant is enough`,
    async (world) => {
      const { sql } = world.database;
      const role = `limited_${Deno.pid}`;
      await sql.unsafe(await documentedGrants(role));
      try {
        await sql.unsafe(`revoke ${what} from ${role}`);
        const url = new URL(world.database.url);
        url.username = role;
        const isolate = world.start({ url: url.href });
        const error = await assertRejects(() => isolate.ready(), BackplaneUnavailable);
        assert(error.message.includes(named), error.message);
        await sql.unsafe(`grant ${what} to ${role}`);
        await untilReady(isolate, true);
        await isolate.publish("r", [draft("m")]);
        await isolate.close();
      } finally {
        await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
      }
    },
  );
}

testOnPostgres("a role that row-level security applies to is not ready", async (world) => {
  const { sql } = world.database;
  const role = `secured_${Deno.pid}`;
  await sql`create role ${sql(role)} login in role service_role`;
  try {
    const url = new URL(world.database.url);
    url.username = role;
    const isolate = world.start({ url: url.href });
    await assertRejects(() => isolate.ready(), BackplaneUnavailable, "row-level security");
    await isolate.close();
  } finally {
    await sql`drop role ${sql(role)}`;
  }
});

for (const purpose of ["read", "write"] as const) {
  testOnPostgres(`the time of a statement begins when it is its turn: ${purpose}`, async (world) => {
    const failures: unknown[] = [];
    const database = new Database({
      url: world.database.url,
      tls: { mode: "disable" },
      connections: 2,
      connectMs: 400,
      statementMs: 600,
      onConnectionFailure: (error) => failures.push(error),
    });
    try {
      const slow = range(1, 10).map(() =>
        database[purpose]<{ one: number }>("select 1 as one, pg_sleep(0.2)", [])
      );
      assertEquals(
        (await Promise.all(slow)).flatMap((rows) => rows.map(({ one }) => one)),
        Array(10).fill(1),
      );
      assertEquals(failures, []);
      // A statement that takes too long by itself fails, and those behind it do not.
      const [long, short] = await Promise.allSettled([
        database[purpose]("select pg_sleep(30)", []),
        database[purpose]("select 1", []),
      ]);
      assertEquals([long.status, short.status], ["rejected", "fulfilled"]);
    } finally {
      await database.close();
    }
  });
}

testOnPostgres("statements on a connection that no longer answers fail together", async (world) => {
  const failures: unknown[] = [];
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of silent) accepted.push(connection);
  })();
  const url = new URL(world.database.url);
  url.port = `${silent.addr.port}`;
  const database = new Database({
    url: url.href,
    tls: { mode: "disable" },
    connections: 2,
    connectMs: 60_000,
    statementMs: -59_500,
    onConnectionFailure: (error) => failures.push(error),
  });
  try {
    const started = performance.now();
    const settled = await Promise.allSettled(range(1, 20).map(() => database.write("select 1", [])));
    assert(settled.every(({ status }) => status === "rejected"));
    assert(performance.now() - started < 5_000);
    assert(failures.length > 0);
  } finally {
    await database.close();
    silent.close();
    for (const connection of accepted) connection.close();
    await accepting;
  }
});
