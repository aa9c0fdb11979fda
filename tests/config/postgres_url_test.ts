import { assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import { runFunctionProcess } from "../../tools/support/processes/function_process.ts";
import { ConfigError, parseConfig } from "../../packages/server/src/config/parse_config.ts";
import { sslModeOf } from "../../packages/server/src/config/postgres_url.ts";

function parse(url: string): string | undefined {
  const env = new Map([["SUPABASE_URL", "http://x"], ["SUPABASE_DB_URL", url]]);
  return parseConfig((name) => env.get(name)).SUPABASE_DB_URL;
}

for (
  const password of [
    "ses/ame",
    "ses#ame",
    "ses?ame",
    "12/34ame",
    "12#34ame",
    "12?34ame",
    "s@es/ame",
    "ses%ame",
  ]
) {
  Deno.test(`a database URL with the password ${password} is refused with advice, and not shown`, () => {
    for (const rest of ["@db:5432/postgres", "@db", "@db/postgres?sslmode=require"]) {
      const { message } = assertThrows(() => parse(`postgres://user:${password}${rest}`), ConfigError);
      assertStringIncludes(message, "SUPABASE_DB_URL");
      assertStringIncludes(message, "`/` is %2F, `#` is %23");
      assertFalse(message.includes("ame"));
    }
  });
}

Deno.test("database URLs that the client library can read are accepted", () => {
  for (
    const url of [
      "postgres://db",
      "postgresql://user:ses%2Fame%23@db:5432/postgres?sslmode=verify-full",
      "postgres://user:s@e@db/postgres",
      "postgres://user:a,b@one,two/postgres",
      "postgres://user:a@one:1,two:2/postgres",
      "postgres://user@[::1]:5432/postgres",
      "postgres://user@%2Fvar%2Frun/postgres",
      "postgres://db/postgres?application_name=a@b/c",
    ]
  ) assertEquals(parse(url), url);
});

Deno.test("sslmode of the URL is one of libpq's words, and stands for a mode", () => {
  for (
    const [word, mode] of [
      ["disable", "disable"],
      ["allow", "prefer"],
      ["prefer", "prefer"],
      ["require", "require"],
      ["verify-ca", "require"],
      ["verify-full", "verify-full"],
    ] as const
  ) {
    const url = `postgres://user:p@db/postgres?application_name=x&sslmode=${word}`;
    assertEquals(parse(url), url);
    assertEquals(sslModeOf(url), mode);
  }
  assertEquals(sslModeOf("postgres://db/postgres"), undefined);
  const { message } = assertThrows(() => parse("postgres://u:sesame@db/x?sslmode=always"), ConfigError);
  assertEquals(
    message,
    'SUPABASE_DB_URL has the sslmode "always". Allowed: disable, allow, prefer, require, verify-ca, verify-full.',
  );
});

Deno.test("started with such a password, the process ends with 1 and shows no part of it", async () => {
  const { code, stdout, stderr } = await runFunctionProcess({
    env: { SUPABASE_URL: "http://127.0.0.1:1", SUPABASE_DB_URL: "postgres://user:ses/ame@db/postgres" },
  });
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "Percent-encode special characters of the password");
  assertFalse(/\bses\b|\bame\b/.test(stderr), stderr);
});
