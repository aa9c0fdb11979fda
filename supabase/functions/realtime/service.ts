import { createApp } from "./app.ts";
import type { Services } from "./app_env.ts";
import type { ClaimRules } from "./auth/claim_rules.ts";
import { createInlineKeySet, createSecretKeySet, type KeySet } from "./auth/key_set.ts";
import { createLocalVerifier } from "./auth/local_verifier.ts";
import { createRemoteKeySet, type RemoteKeySet } from "./auth/remote_key_set.ts";
import { createRemoteVerifier } from "./auth/remote_verifier.ts";
import type { Verifier } from "./auth/verification.ts";
import { createVerifier } from "./auth/verifier.ts";
import { authApiKey } from "./config.ts";
import type { Config } from "./config_schema.ts";
import { createHandler } from "./handler.ts";
import { createLog, type Log, type LogLevel } from "./log.ts";
import { anyUser } from "./rooms/authorize.ts";
import { LocalRooms } from "./rooms/local_rooms.ts";
import { Isolate } from "./socket/isolate.ts";

/** What the place the service runs in gives to it. */
export interface Host {
  /** Keeps the isolate alive while the promise is not settled; undefined where nothing has to. */
  readonly waitUntil: ((promise: Promise<void>) => void) | undefined;
  readonly writeLog: (level: LogLevel, line: string) => void;
}

/** The composed service: the configuration made into parts, and the app that uses them. */
export interface Service {
  readonly config: Config;
  readonly app: ReturnType<typeof createApp>;
  readonly services: Services;
  readonly handler: Deno.ServeHandler;
  readonly isolate: Isolate;
  readonly log: Log;
}

/** Composes the service. Nothing is fetched and nothing listens yet. */
export function createService(config: Config, host: Host): Service {
  // Ids are told apart in the logs of many isolates; eight characters are enough for that.
  const isolateId = config.SB_EXECUTION_ID ?? crypto.randomUUID().slice(0, 8);
  const log = createLog({
    level: config.LOG_LEVEL,
    budget: config.LOG_BUDGET,
    common: { isolate: isolateId },
    write: host.writeLog,
    now: Date.now,
  });
  const isolate = new Isolate({
    id: isolateId,
    maxConnections: config.MAX_CONNECTIONS,
    maxConnectionsPerUser: config.MAX_CONNECTIONS_PER_USER,
    waitUntil: host.waitUntil,
    log,
    now: monotonic,
  });
  const remoteKeys = createProjectKeySet(config);
  const services: Services = {
    verifier: createAuth(config, remoteKeys),
    isolate,
    log,
    // Not the monotonic clock: on Deno 2.1.4 it costs 3 µs a reading, and this one is read at every connect, for the log.
    now: Date.now,
    authorize: anyUser,
    rooms: new LocalRooms(),
    allowedOrigins: config.ALLOWED_ORIGINS,
    limits: {
      maxFrameBytes: config.MAX_FRAME_BYTES,
      maxQueuedFrames: config.MAX_QUEUED_FRAMES,
      maxBufferedBytes: config.MAX_BUFFERED_BYTES,
    },
    dependencies: [{ name: "auth_keys", check: () => remoteKeys?.ready() ?? Promise.resolve() }],
  };
  const app = createApp(services);
  return { config, app, services, handler: createHandler(app, services), isolate, log };
}

function monotonic(): number {
  return performance.now();
}

/** The key set at the project's address; undefined where the keys are given inline or Auth decides anyway. */
function createProjectKeySet(config: Config): RemoteKeySet | undefined {
  if (config.AUTH_POLICY === "remote" || config.SUPABASE_JWKS || !config.SUPABASE_URL) return undefined;
  return createRemoteKeySet({
    url: `${config.SUPABASE_URL}/auth/v1/.well-known/jwks.json`,
    cooldownMs: config.JWKS_COOLDOWN_SECONDS * 1000,
    maxAgeMs: config.JWKS_MAX_AGE_SECONDS * 1000,
    timeoutMs: config.AUTH_TIMEOUT_MS,
    fetch,
    now: monotonic,
  });
}

function createAuth(config: Config, remoteKeys: KeySet | undefined): Verifier {
  const rules: ClaimRules = {
    audiences: config.AUTH_AUDIENCE,
    issuer: config.AUTH_ISSUER,
    clockSkewSeconds: config.AUTH_CLOCK_SKEW_SECONDS,
  };
  const keySets = [
    ...(config.SUPABASE_JWKS ? [createInlineKeySet(config.SUPABASE_JWKS)] : []),
    ...(config.AUTH_JWT_SECRET ? [createSecretKeySet(config.AUTH_JWT_SECRET)] : []),
    ...(remoteKeys ? [remoteKeys] : []),
  ];
  const apiKey = authApiKey(config);
  return createVerifier({
    local: config.AUTH_POLICY === "local" ? createLocalVerifier(keySets, rules, Date.now) : undefined,
    remote: config.SUPABASE_URL && apiKey
      ? createRemoteVerifier({
        supabaseUrl: config.SUPABASE_URL,
        apiKey,
        timeoutMs: config.AUTH_TIMEOUT_MS,
        rules,
        fetch,
        now: Date.now,
      })
      : undefined,
    cacheEntries: config.AUTH_CACHE_ENTRIES,
    cacheMaxAgeMs: config.AUTH_CACHE_SECONDS * 1000,
    now: Date.now,
  });
}
