import { assert } from "@std/assert";
import {
  type Backplane,
  BackplaneUnavailable,
  type Draft,
  type Stored,
} from "../../packages/server/src/backplane/contract.ts";
import type { RedisOptions } from "../../packages/server/src/backplane/redis/redis_backplane.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";
import { RedisProcess } from "../../tools/support/redis/redis_process.ts";
import type { Listener } from "./listener.ts";
import { RedisTestWorld } from "./redis_world.ts";
import { USUAL } from "./world.ts";

/** All messages of a room. */
export const ALL = { after: 0, limit: 500 } as const;
/** Short retries, so that isolates reconnect soon. */
export const FAST_RETRY: Partial<RedisOptions> = { ...USUAL, retryMs: 100, sweepMs: 50 };

/** Settings of a server that writes to disk before it acknowledges. */
export const DURABLE = ["--appendonly", "yes", "--appendfsync", "always"] as const;

/** Registers a test with its own server. */
export function failureTest(
  statement: string,
  run: (world: RedisTestWorld, server: RedisProcess) => Promise<void>,
  options: Partial<RedisOptions> & { readonly settings?: readonly string[] } = {},
): void {
  Deno.test({
    name: `redis failures: ${statement}`,
    ignore: isWithoutRedis,
    fn: async () => {
      const { settings = [], ...rest } = options;
      await using server = await RedisProcess.start({ settings });
      await using world = new RedisTestWorld({ url: server.url }, [server], { ...FAST_RETRY, ...rest });
      await run(world, server);
    },
  });
}

/** Publishes until Redis stores the message, as clients do. */
export async function publishWithRetry(isolate: Backplane, message: Draft): Promise<Stored> {
  const [stored] = await eventually(
    () => isolate.publish("r", [message]).catch(unlessUnavailable),
    (results) => results.length > 0,
  );
  assert(stored);
  return stored;
}

function unlessUnavailable(error: unknown): readonly never[] {
  if (error instanceof BackplaneUnavailable) return [];
  throw error;
}

/** Waits until the subscription gets a reset. */
export async function untilReset(listener: Listener): Promise<void> {
  const lastType = () => Promise.resolve(listener.events.at(-1)?.type);
  await eventually(lastType, (type) => type === "reset");
}
