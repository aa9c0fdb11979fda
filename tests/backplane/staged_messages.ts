import type { PostgresBackplane } from "../../packages/server/src/backplane/postgres/postgres_backplane.ts";
import { eventually } from "../../tools/support/eventually.ts";
import type { PostgresTestWorld } from "./postgres_world.ts";
import { range } from "./samples.ts";

/** A room of the function's endpoint `/rooms`. */
export const ROOM = "rooms/a";

/** Publishes one message for each id, each in a transaction of its own. */
export async function stage(world: PostgresTestWorld, room: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) await world.database.sql`select rooms.publish(${room}, 'said', '1', ${id})`;
}

/** Ids from `prefix` and the numbers from 1 to `count`. */
export function ids(prefix: string, count: number): string[] {
  return range(1, count).map((number) => `${prefix}${number}`);
}

/** Waits until nothing is staged. */
export async function untilDrained(world: PostgresTestWorld): Promise<void> {
  const staged = () =>
    world.database.sql<{ count: number }[]>`select count(*)::int as count from rooms.staged`;
  await eventually(staged, ([row]) => row?.count === 0);
}

/** Ids of the messages that the room keeps, oldest first. */
export async function storedIds(isolate: PostgresBackplane, room: string): Promise<string[]> {
  const { messages } = await isolate.history(room, { after: 0, limit: 1_000 });
  return messages.map(({ id }) => id);
}
