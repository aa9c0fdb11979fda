// The root's import map lacks the function's clients.
// deno-lint-ignore-file no-import-prefix
import { createClient } from "npm:@redis/client@6.3.1";
import postgres from "npm:postgres@3.4.9";
import type { Backplane } from "../../../packages/server/src/backplane/contract.ts";
import { createPostgresBackplane } from "../../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { createRedisBackplane } from "../../../packages/server/src/backplane/redis/redis_backplane.ts";
import type { BackplaneName } from "../../support/backplane_store.ts";

/** Data of a message: JSON of 100 bytes. */
export const DATA = JSON.stringify({ text: "x".repeat(89) });
/** Sender of a message, with ids of Supabase's length. */
const SENDER = { user: "8c2f4a56-3c1e-4d0b-9a77-5b0f2e6d1c34", connection: "b3d1c9e2-7f60-4c58-8e15" };

/** Opens the backplane of an isolate in this process, with the function's defaults. */
export async function openBackplane(store: BackplaneName, url: string): Promise<Backplane> {
  const common = {
    retention: { messages: 1_000, ageMs: 86_400_000, dedupeMs: 300_000 },
    graceMs: 10_000,
    onDeliverError: (error: unknown) => console.error(error),
    onEvent: () => {},
  };
  const backplane = store === "postgres"
    ? createPostgresBackplane({ ...common, url })
    : createRedisBackplane({ ...common, place: { url } });
  await backplane.ready();
  return backplane;
}

/** Publishes one message. */
export function publishOne(backplane: Backplane, room: string): Promise<unknown> {
  return backplane.publish(room, [{ id: crypto.randomUUID(), event: "chat", data: DATA, from: SENDER }]);
}

/** Table of a simple application: the columns of a message, and one index. */
const TABLE = `create table if not exists bare_messages (
  id bigint generated always as identity primary key,
  room text, message text, event text, data text, "user" text, at timestamptz default now()
)`;

/** The store's client alone. `await using` closes it. */
interface BareClient extends AsyncDisposable {
  /** Writes one message: a PUBLISH, or a single-row insert. */
  readonly write: () => Promise<unknown>;
}

/**
 * Connects the store's client alone. `deliver` is called when another connection receives a
 * message; then inserts notify.
 */
export async function openBareClient(
  store: BackplaneName,
  url: string,
  deliver?: () => void,
): Promise<BareClient> {
  if (store === "redis") {
    const [from, to] = [createClient({ url, RESP: 3 }), createClient({ url, RESP: 3 })];
    for (const client of [from, to]) {
      client.on("error", (error) => console.error(String(error)));
      await client.connect();
    }
    if (deliver) await to.subscribe("bare", deliver);
    const close = async () => void await Promise.all([from.close(), to.close()]);
    return { write: () => from.publish("bare", DATA), [Symbol.asyncDispose]: close };
  }
  const options = { max: 1, fetch_types: false, max_lifetime: null, onnotice: () => {} };
  const [from, to] = [postgres(url, options), postgres(url, options)];
  await from.unsafe(TABLE);
  const insert = () =>
    from`insert into bare_messages (room, message, event, data, "user")
      values ('r', ${crypto.randomUUID()}, 'chat', ${DATA}, ${SENDER.user})`;
  const notify = () => from`with stored as (${insert()}) select pg_notify('bare', ${DATA})`;
  if (deliver) await to.listen("bare", deliver);
  return {
    write: () => (deliver ? notify() : insert()).execute(),
    [Symbol.asyncDispose]: async () => void await Promise.all([from.end(), to.end()]),
  };
}
