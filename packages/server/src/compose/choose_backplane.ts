import type { Backplane, BackplaneOptions } from "../backplane/contract.ts";
import { createLazyBackplane } from "../backplane/lazy_backplane.ts";
import { createMemoryBackplane, MemoryStore } from "../backplane/memory/memory_backplane.ts";
import type { PostgresOptions } from "../backplane/postgres/postgres_options.ts";
import type { TlsOptions } from "../backplane/postgres/tls.ts";
import { preciseClock, wallClock } from "../clocks.ts";
import type { Config } from "../config/variables.ts";
import { errorFields, type Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";

/** Takes what the backplane reports. */
type Observers = { readonly log: Log; readonly metrics: Pick<Metrics, "backplaneEvent"> };

/** Creates the backplane that `BACKPLANE` selects; see docs/configuration.md. */
export function createBackplane(config: Config, tls: TlsOptions, { log, metrics }: Observers): Backplane {
  const common: BackplaneOptions = {
    retention: {
      messages: config.HISTORY_MESSAGES,
      ageMs: config.HISTORY_SECONDS * 1000,
      dedupeMs: config.DEDUPE_SECONDS * 1000,
    },
    graceMs: config.PRESENCE_GRACE_MS,
    onDeliverError: (error) => log.error("room.failed", errorFields(error)),
  };
  const { REDIS_URL: redis, SUPABASE_DB_URL: database } = config;
  const chosen = config.BACKPLANE === "auto"
    ? redis ? "redis" : database ? "postgres" : "memory"
    : config.BACKPLANE;
  if (chosen === "redis" && redis) return onRedis(redis, config.REDIS_PREFIX, common, { log, metrics });
  if (chosen === "postgres" && database) {
    return onPostgres({ url: database, tls, connections: config.POSTGRES_CONNECTIONS, ...common }, {
      log,
      metrics,
    });
  }
  if (config.SB_EXECUTION_ID !== undefined) {
    log.warn("backplane.memory", {
      message:
        "Rooms live in this isolate's memory only: members in other isolates are invisible, and history is lost when " +
        "it ends. Set SUPABASE_DB_URL or REDIS_URL.",
    });
  }
  const store = new MemoryStore({
    ...common,
    maxBytes: config.MEMORY_BYTES,
    now: preciseClock,
    wallNow: wallClock,
    id: () => crypto.randomUUID().slice(0, 8),
  });
  return createMemoryBackplane(store);
}

function onPostgres(options: Omit<PostgresOptions, "onEvent">, { log, metrics }: Observers): Backplane {
  return createLazyBackplane(async () => {
    const { createPostgresBackplane } = await import("../backplane/postgres/postgres_backplane.ts");
    return createPostgresBackplane({
      ...options,
      onEvent(event) {
        metrics.backplaneEvent(event.type);
        if (event.type === "connected") {
          const { mode, schema } = event;
          log.info("backplane.connected", {
            kind: "postgres",
            mode,
            schema_version: schema.found,
            schema_needed: schema.needed,
          });
        } else log.warn(`backplane.${event.type}`, { kind: "postgres", ...errorFields(event.error) });
      },
    });
  });
}

function onRedis(
  urls: readonly string[],
  prefix: string | undefined,
  common: BackplaneOptions,
  { log, metrics }: Observers,
): Backplane {
  const [url = "", ...others] = urls;
  return createLazyBackplane(async () => {
    const { createRedisBackplane } = await import("../backplane/redis/redis_backplane.ts");
    return createRedisBackplane({
      ...common,
      place: others.length > 0 ? { cluster: urls } : { url },
      ...(prefix === undefined ? {} : { prefix }),
      onEvent(event) {
        metrics.backplaneEvent(event.type);
        if (event.type === "connected") log.info("backplane.connected", { kind: "redis", node: event.node });
        else log.warn(`backplane.${event.type}`, { kind: "redis", ...errorFields(event.error) });
      },
    });
  });
}
