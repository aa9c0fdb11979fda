/**
 * Isolates that connect to Postgres in each mode of TLS, to servers with and without a certificate.
 */
import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { deadline } from "@std/async";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { createTestDatabase, type TestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres, sharedServerUrl } from "../../tools/support/postgres/server.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { sharedTlsServer } from "../backplane/postgres_tls_server.ts";

type Env = Readonly<Record<string, string>>;

/** Servers that an isolate meets, each with a part of the problem that the log must name. */
const SERVERS = {
  "a trusted certificate": undefined,
  "a certificate that is not trusted": { reason: "not_trusted", text: /is not trusted .*Set POSTGRES_CA/ },
  "a certificate of another host": { reason: "wrong_host", text: /is not valid for the host localhost/ },
  "no TLS": { reason: "not_offered", text: /offers no TLS\. Enable TLS on the server/ },
} as const;
type ServerName = keyof typeof SERVERS;

/** Registers a test that is skipped on machines without Postgres. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `TLS to postgres: ${name}`, ignore: isWithoutPostgres, fn });
}

/** Creates a database on a server, and returns the environment of an isolate that uses it. */
async function prepare(name: ServerName): Promise<{ readonly database: TestDatabase; readonly env: Env }> {
  if (name === "no TLS") {
    const database = await createTestDatabase({ server: await sharedServerUrl() });
    return { database, env: { SUPABASE_DB_URL: database.url } };
  }
  const { server, ca } = await sharedTlsServer();
  const database = await createTestDatabase({ server: server.url });
  // The certificate names 127.0.0.1 only.
  const url = name === "a certificate of another host"
    ? database.url.replace("127.0.0.1", "localhost")
    : database.url;
  const trust: Env = name === "a certificate that is not trusted" ? {} : { POSTGRES_CA: ca };
  return { database, env: { SUPABASE_DB_URL: url, ...trust } };
}

async function startIsolate(env: Env): Promise<FunctionProcess> {
  const { jwks } = await createIssuer();
  return await startFunctionProcess({ env: { SUPABASE_JWKS: JSON.stringify(jwks), ...env } });
}

/** Asks for the readiness of an isolate: status, and states of what depends on Postgres by name. */
async function readiness({ port }: FunctionProcess): Promise<[number, Readonly<Record<string, string>>]> {
  const response = await deadline(fetch(`http://127.0.0.1:${port}/realtime/health/ready`), 10_000);
  const { dependencies } = await response.json();
  const { auth_keys: _, ...states } = Object.fromEntries(
    dependencies.map(({ name, state }: Env) => [name, state]),
  );
  return [response.status, states];
}

/** Asserts that the isolate has connections, and that all or none of them are encrypted. */
async function assertEncrypted({ sql }: TestDatabase, isEncrypted: boolean): Promise<void> {
  const open = await sql<{ ssl: boolean }[]>`
    select ssl from pg_stat_ssl join pg_stat_activity using (pid)
    where datname = current_database() and application_name = 'realtime'
  `;
  assert(open.length > 0 && open.every(({ ssl }) => ssl === isEncrypted), JSON.stringify(open));
}

function warnings({ stdout, stderr }: FunctionProcess): readonly string[] {
  return [...stdout, ...stderr.split("\n")].filter((line) => line.includes("postgres.unencrypted"));
}

async function assertPlain(
  isolate: FunctionProcess,
  database: TestDatabase,
  problem: (typeof SERVERS)[ServerName],
): Promise<void> {
  await isolate.logged("backplane.connected");
  assertEquals(await readiness(isolate), [200, { backplane: "ok" }]);
  await assertEncrypted(database, false);
  assertEquals(warnings(isolate).length, problem ? 1 : 0);
  if (!problem) return;
  const { level, reason, message } = await isolate.logged("postgres.unencrypted");
  assertEquals([level, reason], ["warn", problem.reason]);
  assertMatch(String(message), problem.text);
}

async function assertNotReady(isolate: FunctionProcess, text: RegExp): Promise<void> {
  const { error } = await isolate.logged("backplane.lost");
  assertMatch(String(error), text);
  assertEquals(await readiness(isolate), [503, { backplane: "failing" }]);
  assertEquals(warnings(isolate), []);
}

for (const name of Object.keys(SERVERS) as ServerName[]) {
  const problem = SERVERS[name];
  for (const mode of ["prefer", "require", "verify-full", "disable"] as const) {
    const isPlain = mode === "disable" || (mode === "prefer" && problem);
    const outcome = isPlain ? "plain" : problem ? "not ready" : "encrypted";

    test(`${mode} with a server that has ${name} is ${outcome}`, async () => {
      const { database, env } = await prepare(name);
      await using _ = database;
      await using isolate = await startIsolate({ ...env, POSTGRES_SSLMODE: mode });
      if (isPlain) return await assertPlain(isolate, database, mode === "disable" ? undefined : problem);
      if (problem) return await assertNotReady(isolate, problem.text);
      await isolate.logged("backplane.connected");
      assertEquals(await readiness(isolate), [200, { backplane: "ok" }]);
      await assertEncrypted(database, true);
      assertEquals(warnings(isolate), []);
    });
  }
}

test("prefer is the default, and sslmode of the URL replaces it", async () => {
  const { database, env: { SUPABASE_DB_URL: url = "" } } = await prepare("no TLS");
  await using _ = database;
  await using preferring = await startIsolate({ SUPABASE_DB_URL: url });
  await assertPlain(preferring, database, SERVERS["no TLS"]);
  await using requiring = await startIsolate({ SUPABASE_DB_URL: `${url}?sslmode=require` });
  await assertNotReady(requiring, SERVERS["no TLS"].text);
  await using overridden = await startIsolate({
    SUPABASE_DB_URL: `${url}?sslmode=require`,
    POSTGRES_SSLMODE: "disable",
  });
  await assertPlain(overridden, database, undefined);
});

test("POSTGRES_CA may have escaped line breaks and several certificates", async () => {
  const { database, env } = await prepare("a trusted certificate");
  await using _ = database;
  const { ca } = await sharedTlsServer();
  await using isolate = await startIsolate({
    ...env,
    POSTGRES_CA: `${ca}${ca}`.trim().replaceAll("\n", "\\n"),
    POSTGRES_SSLMODE: "verify-full",
  });
  await isolate.logged("backplane.connected");
  await assertEncrypted(database, true);
});

test("rooms and row level security share the mode, and warn once", async () => {
  const { database, env } = await prepare("a certificate that is not trusted");
  await using _ = database;
  await using plain = await startIsolate({ ...env, ROOM_POLICY: "rls" });
  await plain.logged("permissions.connected");
  await plain.logged("backplane.connected");
  assertEquals(await readiness(plain), [200, { backplane: "ok", permissions: "ok" }]);
  assertEquals(warnings(plain).length, 1);
  await using refusing = await startIsolate({ ...env, ROOM_POLICY: "rls", POSTGRES_SSLMODE: "require" });
  assertMatch(String((await refusing.logged("permissions.lost"))["error"]), /is not trusted/);
  assertEquals(await readiness(refusing), [503, { backplane: "failing", permissions: "failing" }]);
});

test("a server that enforces TLS is used by default, and refuses disable", async () => {
  const { database, env } = await prepare("a trusted certificate");
  await using _ = database;
  const { sql } = database;
  await sql`drop role if exists enforced`;
  await sql`create role enforced superuser login`;
  const [file] = await sql<{ hba_file: string }[]>`show hba_file`;
  const rules = ["hostssl all enforced all trust", "host all enforced all reject", "host all all all trust"];
  await sql.unsafe(`copy (select unnest(array['${rules.join("','")}'])) to '${file?.hba_file}'`);
  await sql`select pg_reload_conf()`;
  const url = env["SUPABASE_DB_URL"]?.replace("postgres@", "enforced@") ?? "";
  await using encrypted = await startIsolate({ ...env, SUPABASE_DB_URL: url });
  await encrypted.logged("backplane.connected");
  await assertEncrypted(database, true);
  await using plain = await startIsolate({ ...env, SUPABASE_DB_URL: url, POSTGRES_SSLMODE: "disable" });
  assertMatch(String((await plain.logged("backplane.lost"))["error"]), /pg_hba/);
});

test("a server that never answers the request for TLS leaves the isolate not ready, in bounded time", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  {
    const { port } = listener.addr;
    await using isolate = await startIsolate({
      SUPABASE_DB_URL: `postgres://user:sesame@127.0.0.1:${port}/x`,
    });
    assertEquals(await readiness(isolate), [503, { backplane: "failing" }]);
    const { error } = await isolate.logged("backplane.lost");
    assertStringIncludes(String(error), "CONNECT_TIMEOUT");
    assertFalse([...isolate.stdout, isolate.stderr].join("").includes("sesame"));
  }
  listener.close();
  await accepting;
  for (const connection of accepted) connection.close();
});
