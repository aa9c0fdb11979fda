/** `ROOM_POLICY=rls` when the database is away, was away, is not set up, or is behind a pooler. */
import { assert, assertEquals } from "@std/assert";
import { EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { userFromClaims } from "../../packages/server/src/auth/user.ts";
import { PermissionWatchers } from "../../packages/server/src/permissions/permission_watchers.ts";
import { RowSecurity } from "../../packages/server/src/permissions/row_security.ts";
import { defaultClaims } from "../../packages/cli/dev/issuer.ts";
import { connect } from "../support/handshake.ts";
import {
  ROOM_ACCESS_SCHEMA,
  ROOMS_SCHEMA,
} from "../../packages/server/src/backplane/postgres/schema_version.ts";
import { createTestDatabase, readMigrations } from "../../tools/support/postgres/database.ts";
import { isWithoutPooler, startPooler } from "../support/servers/pooler.ts";
import { isWithoutPostgres, PostgresServer } from "../../tools/support/postgres/server.ts";
import { assertProblem } from "../support/problem.ts";
import { rawGet } from "../../tools/support/wire/raw_request.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import {
  addMember,
  ALICE,
  BOB,
  countQuestions,
  documentedPolicies,
  openRlsStage,
  rlsEnvironment,
  rlsTest,
} from "./rls_stage.ts";

const UNAVAILABLE = { status: 503, code: "unavailable", title: "Unavailable" };

/** State of the permissions in readiness. */
async function readiness(running: RunningServer): Promise<string> {
  const { body } = await rawGet(running.port, "/realtime/health/ready");
  const { dependencies }: { dependencies: { name: string; state: string }[] } = JSON.parse(body);
  return dependencies.find(({ name }) => name === "permissions")?.state ?? "not there";
}

rlsTest(
  "what is taken away while the database restarts counts when it is back; others stay all the time",
  async () => {
    const server = await PostgresServer.start();
    try {
      const database = await createTestDatabase({ server: server.url });
      const { sql } = database;
      await sql.unsafe(await documentedPolicies());
      // So that the test says when the service is connected again.
      await sql.unsafe("create role service login superuser");
      for (const user of [ALICE, BOB]) await addMember(database, "r", user);
      const url = new URL(database.url);
      url.username = "service";
      await using running = await startServer({ env: rlsEnvironment(url.href) });
      await running.logged("permissions.connected");
      await using alice = await RoomClient.join(running, "r", { user: ALICE });
      await using bob = await RoomClient.join(running, "r", { user: BOB });
      assertEquals(await readiness(running), "ok");

      await sql.unsafe("alter role service nologin");
      await server.stop();
      await running.logged("permissions.lost");
      const token = await running.issuer.token(ALICE);
      const response = await rawGet(running.port, "/realtime/rooms/r/messages", [
        `Authorization: Bearer ${token}`,
      ]);
      assertProblem(response, UNAVAILABLE);
      assertEquals(await readiness(running), "failing");
      assertEquals((await alice.publish("still here")).offset, 1);

      await server.resume();
      await sql`delete from public.memberships where user_id = ${ALICE}`;
      // The old answer is not used: what was remembered is forgotten.
      assertProblem(
        await rawGet(running.port, "/realtime/rooms/r/messages", [`Authorization: Bearer ${token}`]),
        UNAVAILABLE,
      );
      assertEquals((await alice.publish("nobody knows yet")).offset, 2);
      await sql.unsafe("alter role service login");
      assertEquals((await alice.closed()).code, 4403);
      assertEquals((await bob.publish("still here")).offset, 3);
      assertEquals((await running.logged("permissions.connected", 2)).length, 2);
      await sql.end({ timeout: 1 });
    } finally {
      await server.stop("immediate").catch(() => {/* a failed test may have left it stopped */});
    }
  },
);

rlsTest("when only the connection that listens is cut, everybody is checked again", async () => {
  await using stage = await openRlsStage();
  const { running, database: { sql } } = stage;
  await addMember(stage.database, "r", ALICE);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  // Nobody is told of this.
  await sql.unsafe("alter table public.memberships disable trigger user");
  await sql`delete from public.memberships`;
  assertEquals((await alice.publish("nobody knows")).offset, 1);
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'realtime' and query ilike '%listen%'
  `;
  assertEquals((await alice.closed()).code, 4403);
});

rlsTest("a database without the migration is said to need the file, and is used once it has it", async () => {
  await using database = await createTestDatabase({ isMigrated: false });
  const migrations = await readMigrations();
  for (const [file, migration] of migrations) {
    if (ROOMS_SCHEMA.migrations.includes(file)) await database.sql.unsafe(migration);
  }
  await using running = await startServer({ env: rlsEnvironment(database.url) });
  const [lost] = await running.logged("permissions.lost");
  assert(
    JSON.stringify(lost).includes(`Apply supabase/migrations/${ROOM_ACCESS_SCHEMA.migrations[0]}`),
    JSON.stringify(lost),
  );
  assertProblem(await connect(running, "/rooms/r"), UNAVAILABLE);
  assertEquals(await readiness(running), "failing");
  for (const migration of migrations.values()) await database.sql.unsafe(migration);
  await database.sql.unsafe(
    "create policy p on room_access.permissions for select to authenticated using (true)",
  );
  const [connected] = await running.logged("permissions.connected");
  const needed = ROOM_ACCESS_SCHEMA.migrations.length;
  assertEquals([connected?.["schema_version"], connected?.["schema_needed"]], [needed, needed]);
  await using _alice = await RoomClient.join(running, "r");
});

rlsTest("the migration runs again without harm, and keeps policies and what was granted", async () => {
  await using stage = await openRlsStage();
  const { running, database } = stage;
  await addMember(database, "r", ALICE);
  await using alice = await RoomClient.join(running, "r", { user: ALICE });
  for (const migration of (await readMigrations()).values()) await database.sql.unsafe(migration);
  await using _again = await RoomClient.join(running, "r", { user: ALICE });
  await database.sql`delete from public.memberships`;
  assertEquals((await alice.closed()).code, 4403);
});

rlsTest("nobody but those that it is for can use what the migration makes", async () => {
  await using database = await createTestDatabase();
  const { sql } = database;
  const mayExecute = await sql`
    select p.proname as name, r.rolname as role from pg_proc p, pg_roles r
    where p.pronamespace = 'room_access'::regnamespace and r.rolname in ('anon', 'authenticated')
      and has_function_privilege(r.oid, p.oid, 'execute') order by 1, 2
  `;
  assertEquals(mayExecute.map(({ name, role }) => `${name} ${role}`), ["room anon", "room authenticated"]);
  const mayChange = await sql`
    select rolname from pg_roles where rolname in ('anon', 'authenticated')
      and has_table_privilege(oid, 'room_access.permissions', 'insert, update, delete, truncate, references, trigger')
  `;
  assertEquals(mayChange.length, 0);
});

Deno.test({
  name: "rls: behind a transaction pooler the log says so, and members are checked periodically",
  ignore: isWithoutPostgres || isWithoutPooler,
  fn: async () => {
    await using database = await createTestDatabase();
    await database.sql.unsafe(
      "create policy p on room_access.permissions for select to authenticated using (true)",
    );
    await using pooler = await startPooler(database.url);
    {
      await using running = await startServer({ env: rlsEnvironment(pooler.url) });
      const [connected] = await running.logged("permissions.connected");
      assertEquals([connected?.["level"], connected?.["mode"]], ["warn", "poll"]);
      await using _alice = await RoomClient.join(running, "r", { user: ALICE });
    }
    const policy = new RowSecurity({ url: pooler.url, onEvent: () => {}, cacheMs: 50, echoMs: 200 });
    const user = userFromClaims(defaultClaims(ALICE));
    assert(user);
    const revoked = Promise.withResolvers<void>();
    const watch = policy.watch(ALICE, "r", async () => {
      if (!(await policy.permissions(user, "r")).join) revoked.resolve();
    });
    try {
      assertEquals(await policy.permissions(user, "r"), EVERYTHING);
      await database.sql.unsafe("drop policy p on room_access.permissions");
      await revoked.promise;
    } finally {
      watch.stop();
      await policy.close();
    }
  },
});

rlsTest("a service that cannot reach the database lets nobody in", async () => {
  await using running = await startServer({
    env: rlsEnvironment("postgres://nobody:sesame@127.0.0.1:1/none"),
  });
  const { body, ...response } = await connect(running, "/rooms/r");
  assertProblem({ body, ...response }, UNAVAILABLE);
  await running.logged("permissions.lost");
  assert(!JSON.stringify([body, running.logs]).includes("sesame"));
});

rlsTest("without ROOM_POLICY=rls the database is not asked", async () => {
  await using database = await createTestDatabase();
  const questions = await countQuestions(database);
  await using running = await startServer({ env: { ...rlsEnvironment(database.url), ROOM_POLICY: "any" } });
  await using _alice = await RoomClient.join(running, "r");
  assertEquals([await questions(), await readiness(running)], [0, "not there"]);
});

Deno.test("rls: a failed check is repeated, that of a stopped watch is not, and no check runs twice at once", async () => {
  const watchers = new PermissionWatchers();
  const calls: string[] = [];
  const gate = Promise.withResolvers<void>();
  let isAway = true;
  const alice = watchers.add("alice", "r", async () => {
    calls.push("alice");
    await gate.promise;
  });
  const bob = watchers.add("bob", "r", async () => {
    calls.push("bob");
    if (isAway) throw await Promise.resolve(new Error("away"));
  });
  const carol = watchers.add("carol", "r", async () => {
    calls.push("carol");
    throw await Promise.resolve(new Error("away"));
  });
  const settle = async () => {
    for (let rounds = 0; rounds < 10; rounds++) await Promise.resolve();
  };
  watchers.check({ room: "r", userId: undefined });
  await settle();
  assertEquals(calls.splice(0), ["alice", "bob", "carol"]);
  // Alice is still being looked at: once more is enough, however often it is asked for.
  for (let times = 0; times < 3; times++) watchers.check({ room: undefined, userId: "alice" });
  carol.stop();
  isAway = false;
  watchers.retry();
  await settle();
  assertEquals(calls.splice(0), ["bob"]);
  gate.resolve();
  await settle();
  assertEquals(calls.splice(0), ["alice"]);
  watchers.retry();
  alice.stop();
  bob.stop();
  watchers.check({ room: undefined, userId: undefined });
  await settle();
  assertEquals(calls, []);
});
