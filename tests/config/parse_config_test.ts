import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ConfigError, parseConfig } from "../../packages/server/src/config/parse_config.ts";
import { type Config, describeVariables } from "../../packages/server/src/config/variables.ts";

const URL_ONLY = { SUPABASE_URL: "http://127.0.0.1:54321" };

function parse(env: Readonly<Record<string, string>>): Config {
  const given = new Map(Object.entries({ ...URL_ONLY, ...env }));
  return parseConfig((name) => given.get(name));
}

function complaintAbout(env: Readonly<Record<string, string>>): string {
  return assertThrows(() => parse(env), ConfigError).message;
}

/** Expectation about one variable. */
interface Expectation {
  readonly byDefault: unknown;
  readonly good: readonly (readonly [given: string, parsed: unknown])[];
  readonly wrong: readonly string[];
}

function whole(byDefault: number | undefined, min: number, max: number): Expectation {
  return {
    byDefault,
    good: [[String(min), min], [String(max), max], [` ${max} `, max]],
    wrong: [String(min - 1), String(max + 1), "x", "1.5", "1e3", "0x10", "١", "9".repeat(400), "-0"],
  };
}

function text(...wrong: string[]): Expectation {
  return { byDefault: undefined, good: [["some text", "some text"]], wrong };
}

const PEM = "-----BEGIN CERTIFICATE-----\nMIIBsesame+/=\n-----END CERTIFICATE-----";
const KEY_SET = '{"keys":[{"kty":"EC","kid":"1"}]}';

const VARIABLES: Readonly<Record<string, Expectation>> = {
  HOST: { byDefault: "127.0.0.1", good: [["0.0.0.0", "0.0.0.0"], ["::", "::"]], wrong: [] },
  PORT: whole(8000, 0, 65_535),
  SUPABASE_URL: {
    byDefault: undefined,
    good: [["https://p.supabase.co/", "https://p.supabase.co"], ["http://kong:8000", "http://kong:8000"]],
    wrong: ["p.supabase.co", "ftp://p.supabase.co", "https://p.supabase.co?x=1", "https://", "https://a b"],
  },
  SUPABASE_JWKS: {
    byDefault: undefined,
    good: [
      [KEY_SET, { keys: [{ kty: "EC", kid: "1" }] }],
      ['[{"kty":"EC","kid":"1"}]', { keys: [{ kty: "EC", kid: "1" }] }],
      ['{"keys":[]}', { keys: [] }],
      ["[]", { keys: [] }],
    ],
    wrong: [
      "sesame",
      "{}",
      '["sesame"]',
      '[{"kid":"sesame"}]',
      "null",
      '{"keys":{}}',
      '{"keys":[{"kid":"sesame"}]}',
      '{"keys":["sesame"]}',
    ],
  },
  SUPABASE_PUBLISHABLE_KEYS: {
    byDefault: undefined,
    good: [['{"default":"k"}', { default: "k" }]],
    wrong: ["sesame", '["sesame"]', '{"default":{"sesame":1}}', "null"],
  },
  SUPABASE_ANON_KEY: text(),
  SUPABASE_SECRET_KEYS: {
    byDefault: undefined,
    good: [['{"default":"k"}', { default: "k" }]],
    wrong: ["sesame", '["sesame"]', '{"default":{"sesame":1}}', "null"],
  },
  SUPABASE_SERVICE_ROLE_KEY: text(),
  AUTH_POLICY: { byDefault: "local", good: [["local", "local"]], wrong: ["Local", "none", "local,remote"] },
  AUTH_JWT_SECRET: { byDefault: undefined, good: [["s".repeat(32), "s".repeat(32)]], wrong: ["sesame"] },
  AUTH_AUDIENCE: {
    byDefault: ["authenticated"],
    good: [["a", ["a"]], [" a, b ,,c ", ["a", "b", "c"]]],
    wrong: [",", " , "],
  },
  AUTH_ISSUER: text(),
  AUTH_CLOCK_SKEW_SECONDS: whole(5, 0, 300),
  AUTH_TIMEOUT_MS: whole(5_000, 100, 60_000),
  AUTH_REQUESTS: whole(20, 1, 1_000),
  AUTH_REFUSAL_SECONDS: whole(5, 0, 60),
  AUTH_CACHE_ENTRIES: whole(1_000, 0, 100_000),
  AUTH_CACHE_SECONDS: whole(undefined, 1, 3_600),
  JWKS_COOLDOWN_SECONDS: whole(30, 1, 3_600),
  JWKS_MAX_AGE_SECONDS: whole(600, 10, 86_400),
  ALLOWED_ORIGINS: {
    byDefault: ["*"],
    good: [["*", ["*"]], ["https://a.example, http://localhost:5173", [
      "https://a.example",
      "http://localhost:5173",
    ]]],
    wrong: [
      "a.example",
      "https://a.example/",
      "https://a.example/path",
      "https://*,x",
      "ws://a.example",
      "https://APP.example.com",
      "https://a.example:443",
      "http://a.example:80",
      "https://user@a.example",
      "https://bücher.example",
      ",",
    ],
  },
  MAX_FRAME_BYTES: whole(65_536, 1, 16_777_216),
  MAX_QUEUED_FRAMES: whole(256, 1, 100_000),
  MAX_QUEUED_BYTES: whole(1_048_576, 1_024, 268_435_456),
  SLOW_BUFFERED_BYTES: whole(262_144, 1_024, 268_435_456),
  MAX_BUFFERED_BYTES: whole(1_048_576, 1_024, 268_435_456),
  MAX_CONNECTIONS: whole(10_000, 1, 1_000_000),
  ADMIT_BELOW_MB: whole(undefined, 16, 1_000_000),
  MAX_CONNECTIONS_PER_USER: whole(100, 1, 1_000_000),
  MAX_MEMBERS_PER_ROOM: whole(10_000, 1, 1_000_000),
  MAX_ROOMS_PER_SOCKET: whole(100, 1, 10_000),
  MAX_CALLS: whole(32, 1, 10_000),
  HOOK_TIMEOUT_MS: whole(5_000, 10, 60_000),
  FRAMES_PER_SECOND: whole(100, 1, 1_000_000),
  FRAMES_BURST: whole(200, 1, 1_000_000),
  USER_REQUESTS_PER_SECOND: whole(100, 1, 1_000_000),
  REFUSED_REQUESTS_PER_SECOND: whole(500, 1, 1_000_000),
  JOINS_PER_SECOND: whole(50, 1, 1_000_000),
  JOINS_BURST: whole(500, 1, 1_000_000),
  ISOLATE_JOINS_PER_SECOND: whole(2_000, 1, 1_000_000),
  EPHEMERAL_TICK_MS: whole(0, 0, 1_000),
  HEARTBEAT_MS: whole(25_000, 100, 140_000),
  EXPIRY_WARNING_SECONDS: whole(60, 0, 3_600),
  EXPIRY_GRACE_SECONDS: whole(15, 0, 3_600),
  PRESENCE_GRACE_MS: whole(10_000, 0, 600_000),
  HISTORY_MESSAGES: whole(1_000, 0, 1_000_000),
  HISTORY_SECONDS: whole(86_400, 1, 31_536_000),
  DEDUPE_SECONDS: whole(300, 1, 86_400),
  BACKPLANE: { byDefault: "auto", good: [["memory", "memory"]], wrong: ["Memory", "none", "postgres,redis"] },
  SUPABASE_DB_URL: {
    byDefault: undefined,
    good: [["postgresql://u:p@db:5432/postgres", "postgresql://u:p@db:5432/postgres"], [
      "postgres://db",
      "postgres://db",
    ]],
    wrong: ["sesame", "mysql://u:sesame@db", "postgres://", "postgres://a b"],
  },
  POSTGRES_CONNECTIONS: whole(2, 2, 50),
  POSTGRES_SSLMODE: {
    byDefault: undefined,
    good: ["disable", "prefer", "require", "verify-full"].map((mode) => [mode, mode]),
    wrong: ["allow", "verify-ca", "no"],
  },
  POSTGRES_CA: {
    byDefault: undefined,
    good: [[PEM, PEM], [PEM.replaceAll("\n", "\\n"), PEM], [`${PEM}\n${PEM}`, `${PEM}\n${PEM}`]],
    wrong: ["MIIB", "/etc/ssl/ca.pem", "-----BEGIN CERTIFICATE-----"],
  },
  REDIS_PREFIX: {
    byDefault: undefined,
    good: [["staging:", "staging:"], ["a-b.c_1:", "a-b.c_1:"], ["x".repeat(64), "x".repeat(64)]],
    wrong: ["a{b}", "a b", "a*", "ä", "x".repeat(65)],
  },
  REDIS_URL: {
    byDefault: undefined,
    good: [["redis://:p@cache:6379", ["redis://:p@cache:6379"]], ["rediss://a, rediss://b", [
      "rediss://a",
      "rediss://b",
    ]]],
    wrong: ["sesame", "http://:sesame@cache", "redis://", ","],
  },
  MEMORY_BYTES: whole(67_108_864, 65_536, 17_179_869_184),
  ROOM_POLICY: { byDefault: "any", good: [["claim", "claim"]], wrong: ["Any", "RLS", "none"] },
  ROOM_CLAIM: { byDefault: "rooms", good: [["teams", "teams"]], wrong: [] },
  DRAIN_SECONDS: whole(8, 0, 600),
  LOG_LEVEL: { byDefault: "info", good: [["debug", "debug"], ["error", "error"]], wrong: ["INFO", "trace"] },
  LOG_BUDGET: whole(100, 10, 1_000_000),
  SB_EXECUTION_ID: text(),
};

Deno.test("every variable that the function reads is expected here, and no other", () => {
  assertEquals(Object.keys(VARIABLES).sort(), [...describeVariables().keys()].sort());
});

for (const [name, { byDefault, good, wrong }] of Object.entries(VARIABLES)) {
  const meta = describeVariables().get(name);

  Deno.test(`${name} is ${JSON.stringify(byDefault)} when it is not set, or empty`, () => {
    const lonely: Readonly<Record<string, string>> = { SUPABASE_JWKS: KEY_SET, SUPABASE_URL: "http://x" };
    for (const given of [undefined, "", "  ", "\t\n"]) {
      const env = new Map(Object.entries(lonely).filter(([other]) => other !== name));
      if (given !== undefined) env.set(name, given);
      assertEquals(new Map(Object.entries(parseConfig((one) => env.get(one)))).get(name), byDefault);
    }
  });

  Deno.test(`${name} is taken when it is good`, () => {
    for (const [given, parsed] of good) {
      assertEquals(new Map(Object.entries(parse({ [name]: given }))).get(name), parsed);
    }
  });

  for (const given of wrong) {
    Deno.test(`${name}=${given.slice(0, 30)} is told with what is allowed`, () => {
      const message = complaintAbout({ [name]: given });
      assertMatch(message, new RegExp(`^${name} is `));
      assertStringIncludes(message, `Allowed: ${meta?.allowed}.`);
      assertStringIncludes(message, `Default: ${meta?.byDefault}.`);
      if (meta?.secret) assertFalse(message.includes("sesame"));
      else assertStringIncludes(message, `${name} is ${JSON.stringify(given.trim().slice(0, 100))}.`);
      assertEquals(message.split("\n").length, 1);
    });
  }
}

Deno.test("what is secret is marked as such", () => {
  const secret = [...describeVariables()].filter(([, meta]) => meta.secret).map(([name]) => name);
  assertEquals(secret.sort(), [
    "AUTH_JWT_SECRET",
    "REDIS_URL",
    "SUPABASE_ANON_KEY",
    "SUPABASE_DB_URL",
    "SUPABASE_JWKS",
    "SUPABASE_PUBLISHABLE_KEYS",
    "SUPABASE_SECRET_KEYS",
    "SUPABASE_SERVICE_ROLE_KEY",
  ]);
});

Deno.test("several wrong variables are all told, one line each", () => {
  const message = complaintAbout({
    PORT: "http",
    LOG_LEVEL: "loud",
    AUTH_JWT_SECRET: "sesame",
    SUPABASE_URL: "nowhere",
  });
  const named = message.split("\n").map((line) => line.split(" ")[0]);
  assertEquals(named.sort(), ["AUTH_JWT_SECRET", "LOG_LEVEL", "PORT", "SUPABASE_URL"]);
  assertFalse(message.includes("sesame"));
});

Deno.test("with nothing to verify tokens with, it is told what could be set", () => {
  const message = assertThrows(() => parseConfig(() => undefined), ConfigError).message;
  for (const name of ["SUPABASE_URL", "SUPABASE_JWKS", "AUTH_JWT_SECRET"]) {
    assertStringIncludes(message, name);
  }
});

Deno.test("an empty key set is nothing to verify tokens with", () => {
  for (const empty of ["[]", '{"keys":[]}']) {
    assertThrows(() => parseConfig((name) => name === "SUPABASE_JWKS" ? empty : undefined), ConfigError);
  }
});

for (const name of ["SUPABASE_URL", "SUPABASE_JWKS", "AUTH_JWT_SECRET"]) {
  Deno.test(`${name} alone is enough to verify tokens with`, () => {
    const values: Readonly<Record<string, string>> = {
      SUPABASE_URL: "http://x",
      SUPABASE_JWKS: KEY_SET,
      AUTH_JWT_SECRET: "s".repeat(32),
    };
    assert(parseConfig((one) => one === name ? values[one] : undefined));
  });
}

Deno.test("AUTH_POLICY remote needs an address and a key to ask Auth with", () => {
  assertStringIncludes(complaintAbout({ AUTH_POLICY: "remote" }), "SUPABASE_PUBLISHABLE_KEYS");
  assertEquals(parse({ AUTH_POLICY: "remote", SUPABASE_ANON_KEY: "k" }).AUTH_POLICY, "remote");
  assertEquals(
    parse({ AUTH_POLICY: "remote", SUPABASE_PUBLISHABLE_KEYS: '{"default":"k"}' }).AUTH_POLICY,
    "remote",
  );
});

Deno.test("a backplane that is chosen without its server is told, with what to set", () => {
  assertEquals(
    complaintAbout({ BACKPLANE: "postgres" }),
    "BACKPLANE is postgres, but there is no database. Set SUPABASE_DB_URL, or BACKPLANE to auto.",
  );
  assertEquals(
    complaintAbout({ BACKPLANE: "redis" }),
    "BACKPLANE is redis, but there is no server. Set REDIS_URL, or BACKPLANE to auto.",
  );
});
