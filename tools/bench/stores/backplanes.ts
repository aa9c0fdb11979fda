import type { Backplane } from "../../../packages/server/src/backplane/contract.ts";
import { createPostgresBackplane } from "../../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { createRedisBackplane } from "../../../packages/server/src/backplane/redis/redis_backplane.ts";
import type { StoreName } from "./store_job.ts";
import { Arrival, DATA, SENDER } from "./round_trip.ts";

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

/** Message of these cases. */
export function draft(): Parameters<Backplane["publish"]>[1][number] {
  return { id: crypto.randomUUID(), event: "chat", data: DATA, from: SENDER };
}

/** Connects two backplanes in this process, as in two isolates; returns a round trip. */
export async function connectBackplanes(store: StoreName, url: string): Promise<() => Promise<void>> {
  const [from, to] = [await openBackplane(store, url), await openBackplane(store, url)];
  const arrival = new Arrival();
  await to.subscribe("backplanes", (event) => {
    if (event.type === "messages") arrival.notify();
  });
  return () => arrival.after(() => from.publish("backplanes", [draft()]));
}
