import type { Backplane } from "../../../packages/server/src/backplane/contract.ts";
import { createPostgresBackplane } from "../../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { createRedisBackplane } from "../../../packages/server/src/backplane/redis/redis_backplane.ts";
import type { StoreName } from "./store_job.ts";
import { Arrival, DATA, SENDER } from "./message.ts";

/** The backplane of an isolate, with what the function gives it by default. */
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

/** A message of these cases. */
export function draft(): Parameters<Backplane["publish"]>[1][number] {
  return { id: crypto.randomUUID(), event: "chat", data: DATA, from: SENDER };
}

/** From one backplane to another one in this process, as two isolates have them. */
export async function connectBackplanes(store: StoreName, url: string): Promise<() => Promise<void>> {
  const [from, to] = [await openBackplane(store, url), await openBackplane(store, url)];
  const arrival = new Arrival();
  await to.subscribe("backplanes", (event) => {
    if (event.type === "messages") arrival.tell();
  });
  return () => arrival.after(() => from.publish("backplanes", [draft()]));
}
