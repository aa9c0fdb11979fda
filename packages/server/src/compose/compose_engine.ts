import type { Deps } from "../http/context.ts";
import { Tickets } from "../http/tickets/tickets.ts";
import { createCoarseClock, type MonotonicClock, preciseClock, wallClock } from "../clocks.ts";
import type { Config } from "../config/variables.ts";
import { createLog, type Log, type LogLevel } from "../observability/log.ts";
import { Metrics } from "../observability/metrics.ts";
import { RefusalLog } from "../observability/refusal_log.ts";
import { createAuth } from "./compose_auth.ts";
import { createBackplane } from "./choose_backplane.ts";
import { createPolicy } from "./choose_policy.ts";
import { createPostgresTls } from "./postgres_tls.ts";
import { createTokenWatch } from "./token_watch.ts";
import { createRooms } from "./compose_rooms.ts";
import { createServerRooms } from "../rooms/server_code/create_server_rooms.ts";
import { Evictions } from "../rooms/eviction/evictions.ts";
import { ConnectionRegistry } from "../socket/connection_registry.ts";
import { RequestRates } from "../socket/request_rates.ts";
import { MemoryWatch, residentMemory, usedMemory } from "../socket/memory_watch.ts";

/** Capabilities of the host runtime. */
export interface HostHooks {
  /** Keeps the isolate alive until the promise settles; undefined if the host does not need it. */
  readonly waitUntil: ((promise: Promise<void>) => void) | undefined;
  readonly writeLog: (level: LogLevel, line: string) => void;
}

/** The composed engine: all parts that the configuration selects. */
export interface Engine {
  readonly config: Config;
  readonly deps: Deps;
  readonly connections: ConnectionRegistry;
  readonly log: Log;
  /**
   * Loads code that the first response does not need. Requests that need it earlier wait for it.
   */
  warmUp(): Promise<void>;
  /** Releases everything except sockets. Call it after the drain. */
  close(): Promise<void>;
}

/** Composes the engine. Fetches nothing and does not listen yet. */
export function composeEngine(config: Config, host: HostHooks): Engine {
  // Eight characters tell isolates apart in the logs.
  const isolateId = config.SB_EXECUTION_ID ?? crypto.randomUUID().slice(0, 8);
  const now = createCoarseClock();
  const log = createLog({
    level: config.LOG_LEVEL,
    budget: config.LOG_BUDGET,
    common: { isolate: isolateId },
    write: host.writeLog,
    now,
    wallNow: wallClock,
  });
  const connections = new ConnectionRegistry({
    id: isolateId,
    isShortOfMemory: createMemoryCheck(config, log, now),
    maxConnections: config.MAX_CONNECTIONS,
    maxConnectionsPerUser: config.MAX_CONNECTIONS_PER_USER,
    waitUntil: host.waitUntil,
    // An isolate without sockets has nothing to end.
    onFirst: () => evictions.follow(),
    log,
    now: preciseClock,
    random: Math.random,
  });
  const metrics = new Metrics();
  const refusalLog = new RefusalLog(log, config.LOG_BUDGET);
  const auth = createAuth(config);
  const { verifier } = auth;
  const tokenWatch = createTokenWatch(config, verifier, log);
  const postgresTls = createPostgresTls(config, log);
  const backplane = createBackplane(config, postgresTls, { log, metrics });
  const policy = createPolicy(config, log, postgresTls);
  const rooms = createRooms(config, { ...tokenWatch, backplane, verifier, log, metrics, now });
  const evictions = new Evictions({ backplane, rooms, connections, log, random: Math.random });
  const deps: Deps = {
    verifier,
    keys: auth.keys,
    tickets: new Tickets({
      store: backplane,
      verifier,
      wallNow: wallClock,
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    }),
    isSecretKey: auth.isSecretKey,
    connections,
    log,
    metrics,
    now,
    authorize: policy.authorize,
    rooms,
    serverRooms: createServerRooms({ rooms, evictions }),
    evictions,
    tokenWatch,
    refusalLog,
    random: Math.random,
    rates: new RequestRates({
      userRequests: config.USER_REQUESTS_PER_SECOND,
      refusedRequests: config.REFUSED_REQUESTS_PER_SECOND,
      joins: config.JOINS_PER_SECOND,
      joinsBurst: config.JOINS_BURST,
      isolateJoins: config.ISOLATE_JOINS_PER_SECOND,
      now,
    }),
    allowedOrigins: config.ALLOWED_ORIGINS,
    limits: {
      maxFrameBytes: config.MAX_FRAME_BYTES,
      maxQueuedFrames: config.MAX_QUEUED_FRAMES,
      maxQueuedBytes: config.MAX_QUEUED_BYTES,
      slowBufferedBytes: Math.min(config.SLOW_BUFFERED_BYTES, config.MAX_BUFFERED_BYTES),
      maxBufferedBytes: config.MAX_BUFFERED_BYTES,
    },
    dependencies: [
      auth.dependency,
      { name: "backplane", check: () => backplane.ready() },
      ...policy.dependencies,
    ],
  };
  async function warmUp(): Promise<void> {
    await rooms.load();
  }
  async function close(): Promise<void> {
    // Hooks may still publish and kick.
    await deps.rooms.hooksDone();
    evictions.close();
    await Promise.all([backplane.close(), policy.close()]);
    refusalLog.close();
    log.close();
  }
  return { config, deps, connections, log, warmUp, close };
}

/** Default of `ADMIT_BELOW_MB` when hosted, of the host's 256 MB. Open connections use the rest. */
const HOSTED_ADMIT_BELOW_MB = 200;
/**
 * Default of `ADMIT_BELOW_MB` when standalone. A process with 10,000 members stays below, and the
 * smallest usual machine has more.
 */
const STANDALONE_ADMIT_BELOW_MB = 1_000;

/** Creates the check for too little memory to accept a connection. */
function createMemoryCheck(
  { ADMIT_BELOW_MB, SB_EXECUTION_ID }: Config,
  log: Log,
  now: MonotonicClock,
): () => boolean {
  const isHosted = SB_EXECUTION_ID !== undefined;
  const megabytes = ADMIT_BELOW_MB ?? (isHosted ? HOSTED_ADMIT_BELOW_MB : STANDALONE_ADMIT_BELOW_MB);
  const watch = new MemoryWatch({
    maxBytes: megabytes * 1e6,
    usedBytes: isHosted ? usedMemory : residentMemory,
    now,
    onShort: (usedBytes) =>
      log.warn("isolate.short_of_memory", {
        used_mb: Math.round(usedBytes / 1e6),
        admit_below_mb: megabytes,
      }),
  });
  return () => watch.isShort;
}
