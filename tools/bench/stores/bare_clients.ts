// The root's import map lacks the function's clients.
// deno-lint-ignore-file no-import-prefix
import { createClient } from "npm:@redis/client@6.3.1";
import postgres from "npm:postgres@3.4.9";
import { DATA, SENDER, type StoreName } from "./job.ts";

/** Table of a simple application: the columns of a message, and one index. */
const TABLE = `create table if not exists bare_messages (
  id bigint generated always as identity primary key,
  room text, message text, event text, data text, "user" text, at timestamptz default now()
)`;

/**
 * Connects the store's client alone to publish one message, by a statement with insert and notify,
 * or by PUBLISH. `deliver` is called when another connection receives it.
 */
export async function openBareRelay(
  store: StoreName,
  url: string,
  deliver: () => void,
): Promise<() => Promise<unknown>> {
  if (store === "redis") {
    const [from, to] = [await connectRedis(url), await connectRedis(url)];
    await to.subscribe("bare", deliver);
    return () => from.publish("bare", DATA);
  }
  const [from, to] = [await connectPostgres(url), await connectPostgres(url)];
  await to.listen("bare", deliver);
  return () =>
    from`with stored as (
      insert into bare_messages (room, message, event, data, "user")
      values ('r', ${crypto.randomUUID()}, 'chat', ${DATA}, ${SENDER.user})
    ) select pg_notify('bare', ${DATA})`.execute();
}

/** Opens a client for one store action: a single-row insert, or a PUBLISH. */
export async function openBareWriter(
  store: StoreName,
  url: string,
): Promise<{ write: () => Promise<unknown>; close: () => Promise<unknown> }> {
  if (store === "redis") {
    const client = await connectRedis(url);
    return { write: () => client.publish("bare", DATA), close: () => client.close() };
  }
  const sql = await connectPostgres(url);
  const write = () =>
    sql`insert into bare_messages (room, message, event, data, "user")
      values ('r', ${crypto.randomUUID()}, 'chat', ${DATA}, ${SENDER.user})`;
  return { write, close: () => sql.end() };
}

async function connectPostgres(url: string): Promise<postgres.Sql> {
  const sql = postgres(url, { max: 1, fetch_types: false, max_lifetime: null, onnotice: () => {} });
  await sql.unsafe(TABLE);
  return sql;
}

async function connectRedis(url: string) {
  const client = createClient({ url, RESP: 3 });
  client.on("error", (error) => console.error(String(error)));
  await client.connect();
  return client;
}
