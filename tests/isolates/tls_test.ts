/** Isolates with encrypted connections to their backend. */
import { assert, assertEquals } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres, PostgresServer } from "../../tools/support/postgres/server.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { createCertificate } from "./certificate.ts";

/**
 * True on Deno 2.1.4, where postgres 3.4.9 cannot upgrade an open connection to TLS: it waits
 * forever, even without certificate checks. The hosted runtime can only use Postgres without TLS.
 */
const isPostgresWithoutTls = Deno.version.deno.startsWith("2.1.");

async function startIsolate(env: Readonly<Record<string, string>>): Promise<FunctionProcess> {
  const { jwks } = await createIssuer();
  return await startFunctionProcess({ env: { SUPABASE_JWKS: JSON.stringify(jwks), ...env } });
}

/** Status of the isolate's readiness check. */
async function readiness({ port }: FunctionProcess): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/realtime/health/ready`);
  await response.body?.cancel();
  return response.status;
}

Deno.test({
  name: "Redis over rediss: is used only if its certificate authority is trusted",
  ignore: isWithoutRedis,
  fn: async () => {
    await using certificate = await createCertificate();
    await using redis = await RedisProcess.start({ tls: certificate });
    const env = { REDIS_URL: `rediss://127.0.0.1:${redis.port}` };
    await using trusting = await startIsolate({ ...env, DENO_CERT: certificate.authority });
    // The first connection may take longer than a call's timeout.
    await trusting.logged("backplane.connected");
    assertEquals(await readiness(trusting), 200);
    await using distrusting = await startIsolate(env);
    assertEquals(await readiness(distrusting), 503);
    const { error } = await distrusting.logged("backplane.lost");
    assert(/self-signed|UnknownIssuer/.test(String(error)), String(error));
  },
});

Deno.test({
  name: "Postgres with sslmode=require is used over TLS, with any certificate authority",
  ignore: isWithoutPostgres || isPostgresWithoutTls,
  fn: async () => {
    await using certificate = await createCertificate();
    const server = await PostgresServer.start();
    await using database = await createTestDatabase({ server: server.url });
    const { sql } = database;
    const [row] = await sql<{ data_directory: string }[]>`show data_directory`;
    await installCertificate(row?.data_directory ?? "", certificate);
    await sql`alter system set ssl = on`;
    await sql`select pg_reload_conf()`;
    await using isolate = await startIsolate({ SUPABASE_DB_URL: `${database.url}?sslmode=require` });
    await isolate.logged("backplane.connected");
    assertEquals(await readiness(isolate), 200);
    const open = await sql<{ ssl: boolean }[]>`
      select ssl from pg_stat_ssl join pg_stat_activity using (pid)
      where datname = current_database() and pid <> pg_backend_pid()
    `;
    assert(open.length > 0 && open.every(({ ssl }) => ssl), JSON.stringify(open));
  },
});

/** Installs a certificate with the owner of the server's files. */
async function installCertificate(
  directory: string,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Promise<void> {
  const { uid, gid } = await Deno.stat(directory);
  for (const [from, name] of [[certificate, "server.crt"], [key, "server.key"]] as const) {
    const to = `${directory}/${name}`;
    await Deno.copyFile(from, to);
    await Deno.chmod(to, 0o600);
    await Deno.chown(to, uid, gid);
  }
}
