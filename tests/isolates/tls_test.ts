/**
 * Isolates with encrypted connections to their backend. Modes of Postgres:
 * postgres_tls_modes_test.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { createTestDatabase } from "../../tools/support/postgres/database.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import {
  type FunctionProcess,
  startFunctionProcess,
} from "../../tools/support/processes/function_process.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import { sharedTlsServer } from "../backplane/postgres_tls_server.ts";
import { createCertificate } from "./certificate.ts";

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
  name: "Postgres with sslmode=require is used over TLS, if its certificate authority is trusted",
  ignore: isWithoutPostgres,
  fn: async () => {
    const { server, ca } = await sharedTlsServer();
    await using database = await createTestDatabase({ server: server.url });
    const { sql } = database;
    await using isolate = await startIsolate({
      SUPABASE_DB_URL: `${database.url}?sslmode=require`,
      POSTGRES_CA: ca,
    });
    await isolate.logged("backplane.connected");
    assertEquals(await readiness(isolate), 200);
    const open = await sql<{ ssl: boolean }[]>`
      select ssl from pg_stat_ssl join pg_stat_activity using (pid)
      where datname = current_database() and pid <> pg_backend_pid()
    `;
    assert(open.length > 0 && open.every(({ ssl }) => ssl), JSON.stringify(open));
  },
});
