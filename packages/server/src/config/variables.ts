import { isRecord, jsonOf, listOf, oneOf, type ReadText, textLike, wholeNumber } from "./value_readers.ts";

/** What docs/configuration.md and error messages say of a variable. */
export interface VariableMeta {
  /** What it decides, in one sentence. */
  readonly description: string;
  /** What a value may be, in words that finish "Allowed: …". */
  readonly allowed: string;
  /** What holds when it is not set, in words. */
  readonly byDefault: string;
  /** Its value is never shown. */
  readonly secret?: true;
}

/** A variable: what is said of it, how its text is read, and its value where there is none. */
export interface Variable<T> extends VariableMeta {
  readonly read: ReadText<T>;
  readonly unset: T;
}

/** A variable that has a value when it is not set. */
function variable<T>(read: ReadText<T>, unset: T, meta: VariableMeta): Variable<T> {
  return { read, unset, ...meta };
}

/** A variable that may have no value. */
function optional<T>(read: ReadText<T>, meta: VariableMeta): Variable<T | undefined> {
  return { read, unset: undefined, ...meta };
}

/** A whole number within bounds. */
function whole(min: number, max: number, unset: number, description: string): Variable<number> {
  return variable(wholeNumber(min, max), unset, {
    description,
    allowed: `a whole number from ${min} to ${max}`,
    byDefault: String(unset),
  });
}

/** A JSON Web Key Set, as far as it is looked at here. */
interface KeySetJson {
  readonly keys: { readonly kty: string; readonly [field: string]: unknown }[];
}

const text = textLike();
const origin = textLike(/^(\*|https?:\/\/[^/\s]+)$/);
const isKeySet = (value: unknown): value is KeySetJson =>
  isRecord(value) && Array.isArray(value["keys"]) &&
  value["keys"].every((key) => isRecord(key) && typeof key["kty"] === "string");
const isNamedKeys = (value: unknown): value is Readonly<Record<string, string>> =>
  isRecord(value) && Object.values(value).every((key) => typeof key === "string");

function httpAddress(given: string): string | undefined {
  return /^https?:\/\/[^\s?#]+$/.test(given) ? given.replace(/\/+$/, "") : undefined;
}

/** Every environment variable that the function reads. The names that begin with SUPABASE_ or SB_ are the host's. */
export const ENVIRONMENT = {
  HOST: variable(text, "127.0.0.1", {
    description: "Address to listen on when the function is started by itself.",
    allowed: "an address of this machine",
    byDefault: "127.0.0.1",
  }),
  PORT: whole(
    0,
    65_535,
    8000,
    "Port to listen on when the function is started by itself; 0 picks a free one.",
  ),
  SUPABASE_URL: optional(httpAddress, {
    description: "The project's address. Its key set verifies tokens where `SUPABASE_JWKS` is not given.",
    allowed: "an http or https address without query",
    byDefault: "given by the host",
  }),
  SUPABASE_JWKS: optional(jsonOf(isKeySet), {
    description:
      "The project's JSON Web Key Set, inline: tokens are verified with it and no network is needed.",
    allowed: 'JSON of the form {"keys":[…]}',
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_PUBLISHABLE_KEYS: optional(jsonOf(isNamedKeys), {
    description: "Publishable keys by name; `default`, or else the first, is used to ask Auth about a token.",
    allowed: "a JSON object of names and keys",
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_ANON_KEY: optional(text, {
    description: "The legacy key that is used to ask Auth where there is no publishable one.",
    allowed: "text",
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_SECRET_KEYS: optional(jsonOf(isNamedKeys), {
    description: "Secret keys by name: who presents one may publish over HTTP in any room.",
    allowed: "a JSON object of names and keys",
    byDefault: "given by the host",
    secret: true,
  }),
  SUPABASE_SERVICE_ROLE_KEY: optional(text, {
    description: "The legacy secret key; as good as one of `SUPABASE_SECRET_KEYS`.",
    allowed: "text",
    byDefault: "given by the host",
    secret: true,
  }),
  AUTH_POLICY: variable(oneOf("local", "remote"), "local", {
    description:
      "`local` verifies with keys and asks Auth only about tokens that no key fits; `remote` asks Auth " +
      "about every token, and so sees sessions that were ended early.",
    allowed: "local or remote",
    byDefault: "local",
  }),
  AUTH_JWT_SECRET: optional(textLike(/^.{32}/s), {
    description:
      "The shared secret of HS256 tokens (legacy projects). Without it no HS256 token is verified here.",
    allowed: "text of at least 32 characters",
    byDefault: "not set",
    secret: true,
  }),
  AUTH_AUDIENCE: variable(listOf(text), ["authenticated"], {
    description: "A token's `aud` must hold one of these.",
    allowed: "names separated by commas",
    byDefault: "authenticated",
  }),
  AUTH_ISSUER: optional(text, {
    description:
      "A token's `iss` must be this, such as `https://PROJECT.supabase.co/auth/v1`. Not checked by default: " +
      "inside the CLI's containers `SUPABASE_URL` is not the address that local tokens carry.",
    allowed: "text",
    byDefault: "not checked",
  }),
  AUTH_CLOCK_SKEW_SECONDS: whole(0, 300, 5, "By how much the issuer's clock and ours may differ."),
  AUTH_TIMEOUT_MS: whole(100, 60_000, 5_000, "How long Auth and the key set's address may take to answer."),
  AUTH_CACHE_ENTRIES: whole(0, 100_000, 1_000, "How many verified tokens are remembered; 0 remembers none."),
  AUTH_CACHE_SECONDS: whole(
    1,
    3_600,
    300,
    "After how long a remembered token is verified again; it is never remembered beyond its expiry.",
  ),
  JWKS_COOLDOWN_SECONDS: whole(
    1,
    3_600,
    30,
    "A token with an unknown key has the key set fetched at most this often.",
  ),
  JWKS_MAX_AGE_SECONDS: whole(10, 86_400, 600, "A fetched key set older than this is fetched again."),
  ALLOWED_ORIGINS: variable(listOf(origin), ["*"], {
    description: "Pages of these origins may connect. Clients that send no Origin (not browsers) always may.",
    allowed: "`*`, or origins such as https://example.com separated by commas",
    byDefault: "*",
  }),
  MAX_FRAME_BYTES: whole(1, 16_777_216, 65_536, "A larger frame from a client closes its socket with 1009."),
  MAX_QUEUED_FRAMES: whole(
    1,
    100_000,
    256,
    "Frames of one socket that may wait while an async handler works; one more closes it with 4429.",
  ),
  MAX_QUEUED_BYTES: whole(
    1_024,
    268_435_456,
    1_048_576,
    "Bytes of one socket's frames that may wait so; more closes it with 4429.",
  ),
  SLOW_BUFFERED_BYTES: whole(
    1_024,
    268_435_456,
    262_144,
    "Bytes that may wait to be sent to one socket before ephemeral messages to it are dropped; at most MAX_BUFFERED_BYTES.",
  ),
  MAX_BUFFERED_BYTES: whole(
    1_024,
    268_435_456,
    1_048_576,
    "Bytes that may wait to be sent to one socket; a client that reads too slowly for that is closed with 1013.",
  ),
  MAX_CONNECTIONS: whole(1, 1_000_000, 10_000, "Open sockets in one isolate; one more is refused with 503."),
  ADMIT_BELOW_MB: optional(wholeNumber(16, 1_000_000), {
    description:
      "Memory in use (V8's heap and what it holds outside) from which on new sockets are refused with 503, so that " +
      "they land in another isolate. The host warns at 90 % of 256 MB.",
    allowed: "a whole number from 16 to 1000000",
    byDefault: "200 where the host gives SB_EXECUTION_ID, else no bound",
  }),
  MAX_CONNECTIONS_PER_USER: whole(
    1,
    1_000_000,
    100,
    "Open sockets of one user in one isolate; one more gets 429.",
  ),
  MAX_MEMBERS_PER_ROOM: whole(
    1,
    1_000_000,
    10_000,
    "Members of one room in one isolate; one more is refused with 503 `room_full`.",
  ),
  FRAMES_PER_SECOND: whole(
    1,
    1_000_000,
    100,
    "Frames that one room member may send a second, on average; one more is answered with `rate_limited`.",
  ),
  FRAMES_BURST: whole(
    1,
    1_000_000,
    200,
    "Frames that one room member may send at once after a pause. Ten times as many refused ones close it with 4429.",
  ),
  HEARTBEAT_MS: whole(
    100,
    140_000,
    25_000,
    "A room's member is sent something at least this often (the host resets sockets that are silent for 150 s); a " +
      "`realtime.v1` client that is silent for twice as long is closed with 4408.",
  ),
  EXPIRY_WARNING_SECONDS: whole(
    0,
    3_600,
    60,
    "How long before a token expires its room member is told, with `expiring`.",
  ),
  EXPIRY_GRACE_SECONDS: whole(
    0,
    3_600,
    15,
    "How long after its token expired a room member is closed with 4401.",
  ),
  PRESENCE_GRACE_MS: whole(
    0,
    600_000,
    10_000,
    "How long a member that was lost stays present, so that a resume is not seen as leaving.",
  ),
  HISTORY_MESSAGES: whole(0, 1_000_000, 1_000, "Messages that a room keeps."),
  HISTORY_SECONDS: whole(1, 31_536_000, 86_400, "How long a room keeps a message."),
  DEDUPE_SECONDS: whole(
    1,
    86_400,
    300,
    "How long a publish `id` that its user repeats is recognized as the same message.",
  ),
  BACKPLANE: variable(oneOf("auto", "memory", "postgres", "redis"), "auto", {
    description:
      "How isolates share rooms: `auto` is redis where `REDIS_URL` is set, else postgres where `SUPABASE_DB_URL` " +
      "is set, else memory, in which every isolate has rooms of its own.",
    allowed: "auto, memory, postgres or redis",
    byDefault: "auto",
  }),
  SUPABASE_DB_URL: optional(textLike(/^postgres(ql)?:\/\/\S+$/), {
    description:
      "The project's database, with the schema of `supabase/migrations/`: a direct connection or one of a session pooler.",
    allowed: "an address that begins with postgres:// or postgresql://",
    byDefault: "given by the host",
    secret: true,
  }),
  POSTGRES_CONNECTIONS: whole(
    2,
    50,
    2,
    "Connections of one isolate to the database, beside the one that listens.",
  ),
  REDIS_URL: optional(listOf(textLike(/^rediss?:\/\/\S+$/)), {
    description:
      "Redis or Valkey, version 7 or newer; several addresses, separated by commas, are nodes of one cluster.",
    allowed: "addresses that begin with redis:// or rediss://",
    byDefault: "none",
    secret: true,
  }),
  MEMORY_BYTES: whole(
    65_536,
    17_179_869_184,
    67_108_864,
    "What the memory backplane may keep of all rooms together; the rooms that were used least recently go first.",
  ),
  ROOM_POLICY: variable(oneOf("any", "claim", "rls"), "any", {
    description:
      "Who may be in a room: `any` verified user, only those whose `app_metadata` names the room (`claim`, see `ROOM_CLAIM`), or " +
      "whom policies of row level security in the database of `SUPABASE_DB_URL` let in (`rls`, see " +
      "[rooms.md](rooms.md#row-level-security)).",
    allowed: "any, claim or rls",
    byDefault: "any",
  }),
  ROOM_CLAIM: variable(text, "rooms", {
    description: "The entry of `app_metadata` that names rooms where `ROOM_POLICY` is `claim`; see " +
      "[rooms.md](rooms.md#who-may-do-what).",
    allowed: "text",
    byDefault: "rooms",
  }),
  DRAIN_SECONDS: whole(
    0,
    600,
    8,
    "Over how long open sockets are closed when the isolate is about to go and there is time.",
  ),
  LOG_LEVEL: variable(oneOf("debug", "info", "warn", "error"), "info", {
    description: "Events below this level are not logged.",
    allowed: "debug, info, warn or error",
    byDefault: "info",
  }),
  LOG_BUDGET: whole(10, 1_000_000, 100, "Log events in 10 seconds; what is over is counted and left out."),
  SB_EXECUTION_ID: optional(text, {
    description: "The isolate's id in logs.",
    allowed: "text",
    byDefault: "given by the host, else made up",
  }),
} as const satisfies Readonly<Record<string, Variable<unknown>>>;

/** The checked configuration. */
export type Config = {
  readonly [Name in keyof typeof ENVIRONMENT]: (typeof ENVIRONMENT)[Name] extends Variable<infer T> ? T
    : never;
};

/** What is known of a variable: for the docs and for messages. */
export function describeVariables(): ReadonlyMap<string, VariableMeta> {
  return new Map(Object.entries<VariableMeta>(ENVIRONMENT));
}
