import type { Backplane } from "../../../packages/server/src/backplane/contract.ts";
import { createPostgresBackplane } from "../../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { createRedisBackplane } from "../../../packages/server/src/backplane/redis/redis_backplane.ts";
import { DATA, SENDER, type StoreName } from "./job.ts";

/** Opens the backplane of an isolate, with the function's defaults. */
export async function openBackplane(store: StoreName, url: string): Promise<Backplane> {
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
