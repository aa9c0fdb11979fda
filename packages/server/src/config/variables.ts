import {
  certificates,
  isRecord,
  jsonOf,
  keySetJson,
  listOf,
  oneOf,
  pageOrigin,
  type ReadText,
  textLike,
  wholeNumber,
} from "./value_readers.ts";

/** Description of a variable, for docs/configuration.md and error messages. */
export interface VariableMeta {
  /** Effect of the variable, in a sentence or two. */
  readonly description: string;
  /** Allowed values, in words that finish "Allowed: …". */
  readonly allowed: string;
  /** Default, in words that finish "Default: …". */
  readonly byDefault: string;
  /** True if no message may contain the value. */
  readonly secret?: true;
}

/** Variable with its description, its reader and its default. */
export interface Variable<T> extends VariableMeta {
  readonly read: ReadText<T>;
  readonly unset: T;
}

/** Makes a variable with a default. */
function variable<T>(read: ReadText<T>, unset: T, meta: VariableMeta): Variable<T> {
  return { read, unset, ...meta };
}

/** Makes a variable without a default. */
function optional<T>(read: ReadText<T>, meta: VariableMeta): Variable<T | undefined> {
  return { read, unset: undefined, ...meta };
}

/** Makes a variable for a whole number within bounds. */
function whole(min: number, max: number, unset: number, description: string): Variable<number> {
  return variable(wholeNumber(min, max), unset, {
    description,
    allowed: `a whole number from ${min} to ${max}`,
    byDefault: String(unset),
  });
}

const text = textLike();
const isNamedKeys = (value: unknown): value is Readonly<Record<string, string>> =>
  isRecord(value) && Object.values(value).every((key) => typeof key === "string");

function httpAddress(given: string): string | undefined {
  return /^https?:\/\/[^\s?#]+$/.test(given) ? given.replace(/\/+$/, "") : undefined;
}

/**
 * Environment variables that the function reads. Names that begin with SUPABASE_ or SB_ belong to
 * the host.
 */
export const ENVIRONMENT = {
  HOST: variable(text, "127.0.0.1", {
    description: "Address to listen on outside the hosted runtime.",
    allowed: "an address of this machine",
    byDefault: "127.0.0.1",
  }),
  PORT: whole(
    0,
    65_535,
    8000,
    "Port to listen on outside the hosted runtime; 0 picks a free one.",
  ),
  SUPABASE_URL: optional(httpAddress, {
    description:
      "Address of the project. Its key set verifies tokens of keys that `SUPABASE_JWKS` does not have.",
    allowed: "an http or https address without query",
    byDefault: "given by the host",
  }),
  SUPABASE_JWKS: optional(keySetJson, {
    description:
      "JSON Web Key Set of the project, inline: verifies tokens without the network. Empty counts as not set.",
    allowed: 'JSON of the form {"keys":[…]} or […]',
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_PUBLISHABLE_KEYS: optional(jsonOf(isNamedKeys), {
    description:
      "Publishable keys by name: users of the role `anon`, for Realtime clients of supabase-js. `default`, or else " +
      "the first, is the API key for requests to Auth.",
    allowed: "a JSON object of names and keys",
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_ANON_KEY: optional(text, {
    description:
      "Legacy key of the role `anon`, for Realtime clients of supabase-js. For requests to Auth it is used if there " +
      "is no publishable key.",
    allowed: "text",
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_SECRET_KEYS: optional(jsonOf(isNamedKeys), {
    description: "Secret keys by name. A request with one may publish over HTTP in any room.",
    allowed: "a JSON object of names and keys",
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_SERVICE_ROLE_KEY: optional(text, {
    description: "Legacy secret key, with the rights of one of `SUPABASE_SECRET_KEYS`.",
    allowed: "text",
    byDefault: "given by the host",
    secret: true,
  }),
  AUTH_POLICY: variable(oneOf("local", "remote"), "local", {
    description:
      "`local` verifies tokens with keys, and asks Auth only about tokens that no key fits. `remote` asks Auth " +
      "about every token, and so refuses tokens of sessions that ended early.",
    allowed: "local or remote",
    byDefault: "local",
  }),
  AUTH_JWT_SECRET: optional(textLike(/^.{32}/s), {
    description:
      "Shared secret of HS256 tokens (legacy projects). Without it only Auth verifies HS256 tokens.",
    allowed: "text of at least 32 characters",
    byDefault: "not set",
    secret: true,
  }),
  AUTH_AUDIENCE: variable(listOf(text), ["authenticated"], {
    description: "Accepted audiences: `aud` of a token must contain one of these.",
    allowed: "names separated by commas",
    byDefault: "authenticated",
  }),
  AUTH_ISSUER: optional(text, {
    description:
      "Accepted issuer: `iss` of a token must equal this, for example `https://PROJECT.supabase.co/auth/v1`. Not " +
      "checked by default: inside the CLI's containers, `SUPABASE_URL` is not the issuer of local tokens.",
    allowed: "text",
    byDefault: "not checked",
  }),
  AUTH_CLOCK_SKEW_SECONDS: whole(
    0,
    300,
    5,
    "Largest accepted difference between the issuer's clock and ours.",
  ),
  AUTH_TIMEOUT_MS: whole(
    100,
    60_000,
    5_000,
    "Time after which a request to Auth or to the key set's address has failed.",
  ),
  AUTH_REQUESTS: whole(
    1,
    1_000,
    20,
    "Requests to Auth that may be under way in one isolate. Ten times as many may wait for `AUTH_TIMEOUT_MS`; " +
      "further tokens are 503.",
  ),
  AUTH_REFUSAL_SECONDS: whole(
    0,
    60,
    5,
    "Time for which a token that Auth refused is refused again without a request; at most `AUTH_CACHE_ENTRIES` " +
      "tokens.",
  ),
  AUTH_CACHE_ENTRIES: whole(
    0,
    100_000,
    1_000,
    "Number of verified tokens that are cached; 0 caches none. A full cache drops the oldest.",
  ),
  AUTH_CACHE_SECONDS: optional(wholeNumber(1, 3_600), {
    description:
      "Time after which a cached token is verified again, at most until its expiry. With `AUTH_POLICY=remote`, " +
      "tokens of open connections too.",
    allowed: "a whole number from 1 to 3600",
    byDefault: "300, or 10 if `AUTH_POLICY` is `remote`",
  }),
  JWKS_COOLDOWN_SECONDS: whole(
    1,
    3_600,
    30,
    "Shortest time between two fetches of the key set for tokens with an unknown key.",
  ),
  JWKS_MAX_AGE_SECONDS: whole(
    10,
    86_400,
    600,
    "Age from which a fetched key set is fetched again. Its keys serve meanwhile, until it is twice as old.",
  ),
  ALLOWED_ORIGINS: variable(listOf(pageOrigin), ["*"], {
    description:
      "Origins of pages that may connect, as browsers write them: in lower case, without the usual port. Clients without an `Origin` header (programs, not browsers) always may.",
    allowed: "`*`, or origins such as https://example.com or http://localhost:3000, separated by commas",
    byDefault: "*",
  }),
  MAX_FRAME_BYTES: whole(
    1,
    16_777_216,
    65_536,
    "Largest message of a client. A larger one closes its socket with 1009, once it has arrived whole: see " +
      "[deploy.md](deploy.md#memory).",
  ),
  MAX_QUEUED_FRAMES: whole(
    1,
    100_000,
    256,
    "Frames of one socket that may wait for its async handler. One more closes the socket with 4429.",
  ),
  MAX_QUEUED_BYTES: whole(
    1_024,
    268_435_456,
    1_048_576,
    "Bytes of frames of one socket that may wait for its async handler. More closes the socket with 4429.",
  ),
  SLOW_BUFFERED_BYTES: whole(
    1_024,
    268_435_456,
    262_144,
    "Buffered bytes of one socket above which ephemeral messages to it are dropped; at most `MAX_BUFFERED_BYTES`.",
  ),
  MAX_BUFFERED_BYTES: whole(
    1_024,
    268_435_456,
    1_048_576,
    "Buffered bytes of one socket above which it is closed with 1013: its client reads too slowly.",
  ),
  MAX_CONNECTIONS: whole(1, 1_000_000, 10_000, "Open sockets in one isolate. One more is refused with 503."),
  ADMIT_BELOW_MB: optional(wholeNumber(16, 1_000_000), {
    description:
      "Memory, in MB, above which new sockets and event streams are refused with 503, and `/health/ready` answers " +
      "503. Counted is the resident memory of the process; on the hosted runtime V8's heap and external memory, " +
      "since the host counts those and warns at 90 % of 256 MB.",
    allowed: "a whole number from 16 to 1000000",
    byDefault: "1000; 200 if the host sets `SB_EXECUTION_ID`",
  }),
  MAX_CONNECTIONS_PER_USER: whole(
    1,
    1_000_000,
    100,
    "Open sockets of one user in one isolate. One more is refused with 429.",
  ),
  MAX_MEMBERS_PER_ROOM: whole(
    1,
    1_000_000,
    10_000,
    "Members of one room in one isolate. One more is refused with 503 `room_full`.",
  ),
  MAX_ROOMS_PER_SOCKET: whole(
    1,
    10_000,
    100,
    "Rooms that one socket of `/socket` may be in. One more is answered with `too_many_rooms`.",
  ),
  FRAMES_PER_SECOND: whole(
    1,
    1_000_000,
    100,
    "Frames per second that one socket may send, on average. One more is answered with `rate_limited`. An endpoint of " +
      "your own can turn the limit off (`ownFrameLimit`).",
  ),
  FRAMES_BURST: whole(
    1,
    1_000_000,
    200,
    "Frames that one socket may send at once after a pause. Ten times as many refusals close the socket with 4429.",
  ),
  USER_REQUESTS_PER_SECOND: whole(
    1,
    1_000_000,
    100,
    "HTTP requests to rooms per second that one user may send to one isolate, on average; five times as many at " +
      "once. One more is refused with 429 `rate_limited`. All secret keys together may send ten times as many.",
  ),
  REFUSED_REQUESTS_PER_SECOND: whole(
    1,
    1_000_000,
    500,
    "Requests without a user that one isolate refuses per second with their own reason, on average; five times as " +
      "many at once. Further ones are refused with 429. Accepted requests do not count.",
  ),
  JOINS_PER_SECOND: whole(
    1,
    1_000_000,
    50,
    "Sockets and event streams per second that one user may open in one isolate, on average. One more is refused " +
      "with 429 `rate_limited`.",
  ),
  JOINS_BURST: whole(
    1,
    1_000_000,
    500,
    "Sockets and event streams that one user may open in one isolate at once after a pause.",
  ),
  ISOLATE_JOINS_PER_SECOND: whole(
    1,
    1_000_000,
    2_000,
    "Sockets and event streams per second that all users may open in one isolate, on average; five times as many " +
      "at once. One more is refused with 503 `overloaded`.",
  ),
  MAX_CALLS: whole(
    1,
    10_000,
    32,
    "Calls of one room member that may be under way. One more is answered with `rate_limited`.",
  ),
  HOOK_TIMEOUT_MS: whole(
    10,
    60_000,
    5_000,
    "Time after which a hook or a call of a room endpoint is answered with `timeout`. What it does later is ignored.",
  ),
  EPHEMERAL_TICK_MS: whole(
    0,
    1_000,
    0,
    "Shortest time between two batches of ephemeral messages of a room, when nothing else is sent. They wait " +
      "for it, and the newest with a `key` replaces those before it. With 0 they go out at once.",
  ),
  HEARTBEAT_MS: whole(
    100,
    140_000,
    25_000,
    "Time without a frame to a room member before a heartbeat is sent (the host resets sockets after 150 s of " +
      "silence). A `realtime.v1` client that is silent for twice this time is closed with 4408.",
  ),
  EXPIRY_WARNING_SECONDS: whole(
    0,
    3_600,
    60,
    "Time before the expiry of a token at which its room member receives `expiring`.",
  ),
  EXPIRY_GRACE_SECONDS: whole(
    0,
    3_600,
    15,
    "Time after the expiry of a token at which its connection is closed with 4401.",
  ),
  PRESENCE_GRACE_MS: whole(
    0,
    600_000,
    10_000,
    "Disconnect grace period: a lost member stays in presence this long, so that a resume does not show as leaving.",
  ),
  HISTORY_MESSAGES: whole(0, 1_000_000, 1_000, "Messages that the history of a room keeps."),
  HISTORY_SECONDS: whole(1, 31_536_000, 86_400, "Time that the history of a room keeps a message."),
  DEDUPE_SECONDS: whole(
    1,
    86_400,
    300,
    "Time in which a repeated publish `id` of the same user counts as the same message.",
  ),
  BACKPLANE: variable(oneOf("auto", "memory", "postgres", "redis"), "auto", {
    description:
      "Backplane through which isolates share rooms. `auto` is redis if `REDIS_URL` is set, else postgres if " +
      "`SUPABASE_DB_URL` is set, else memory: each isolate then has rooms of its own.",
    allowed: "auto, memory, postgres or redis",
    byDefault: "auto",
  }),
  SUPABASE_DB_URL: optional(textLike(/^postgres(ql)?:\/\/\S+$/), {
    description:
      "Database of the project, with the schema of `supabase/migrations/`: a direct connection or a session pooler.",
    allowed: "a URL that begins with postgres:// or postgresql://, its password percent-encoded",
    byDefault: "given by the host",
    secret: true,
  }),
  POSTGRES_CONNECTIONS: whole(
    2,
    50,
    2,
    "Connections of one isolate to the database, in addition to the one that listens.",
  ),
  POSTGRES_SSLMODE: optional(oneOf("disable", "prefer", "require", "verify-full"), {
    description:
      "Encryption of the connections to the database. `prefer` encrypts if the server offers TLS and its " +
      "certificate can be verified; else it logs `postgres.unencrypted` (`reason`, `message`) once. `require` and " +
      "`verify-full` both verify the certificate and its host name, and otherwise leave rooms unavailable. " +
      "`disable` never encrypts.",
    allowed: "disable, prefer, require or verify-full",
    byDefault: "`sslmode` of `SUPABASE_DB_URL`, else prefer",
  }),
  POSTGRES_CA: optional(certificates, {
    description:
      "Certificates of authorities that the database's certificate may come from, in addition to those that the " +
      "runtime trusts.",
    allowed: "PEM text, in which `\\n` may stand for a line break",
    byDefault: "not set",
  }),
  REDIS_URL: optional(listOf(textLike(/^rediss?:\/\/\S+$/)), {
    description:
      "Redis or Valkey, version 7 or newer; see [deploy.md](deploy.md#redis-or-valkey) for the rights. Several URLs, " +
      "separated by commas, are nodes of one cluster.",
    allowed: "URLs that begin with redis:// or rediss://",
    byDefault: "none",
    secret: true,
  }),
  REDIS_PREFIX: optional(textLike(/^[\w.:-]{1,64}$/), {
    description:
      "Beginning of all keys and channels in Redis. Deployments on one Redis need different ones, else they share " +
      "rooms; a number of a database in `REDIS_URL` does not separate channels.",
    allowed: "1 to 64 letters, digits, and `_`, `.`, `:`, `-`",
    byDefault: "`realtime:`, or `realtime:N:` if `REDIS_URL` names the database N",
  }),
  MEMORY_BYTES: whole(
    65_536,
    17_179_869_184,
    67_108_864,
    "Bytes that the memory backplane keeps for all rooms together. Rooms that were used least recently go first.",
  ),
  ROOM_POLICY: variable(oneOf("any", "claim", "rls"), "any", {
    description:
      "Users that may enter a room: `any` verified user; users whose `app_metadata` names the room (`claim`, see " +
      "`ROOM_CLAIM`); or users that row level security in the database of `SUPABASE_DB_URL` permits (`rls`, see " +
      "[rooms.md](rooms.md#row-level-security)).",
    allowed: "any, claim or rls",
    byDefault: "any",
  }),
  ROOM_CLAIM: variable(text, "rooms", {
    description: "Entry of `app_metadata` that names rooms if `ROOM_POLICY` is `claim`; see " +
      "[rooms.md](rooms.md#who-may-do-what).",
    allowed: "text",
    byDefault: "rooms",
  }),
  DRAIN_SECONDS: whole(
    0,
    600,
    8,
    "Time over which a drain closes open sockets, if the reason of the drain leaves time (SIGTERM, wall clock).",
  ),
  LOG_LEVEL: variable(oneOf("debug", "info", "warn", "error"), "info", {
    description: "Lowest level of logged events.",
    allowed: "debug, info, warn or error",
    byDefault: "info",
  }),
  LOG_BUDGET: whole(10, 1_000_000, 100, "Log events per 10 seconds. Further ones are counted and left out."),
  SB_EXECUTION_ID: optional(text, {
    description: "Id of the isolate in logs.",
    allowed: "text",
    byDefault: "given by the host, else random",
  }),
} as const satisfies Readonly<Record<string, Variable<unknown>>>;

/** The checked configuration. */
export type Config = {
  readonly [Name in keyof typeof ENVIRONMENT]: (typeof ENVIRONMENT)[Name] extends Variable<infer T> ? T
    : never;
};

/** Returns the description of each variable by name, for docs and messages. */
export function describeVariables(): ReadonlyMap<string, VariableMeta> {
  return new Map(Object.entries<VariableMeta>(ENVIRONMENT));
}
