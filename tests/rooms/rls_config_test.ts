/** `ROOM_POLICY=rls`: what is checked at the start, and what is loaded. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError, parseConfig } from "../../packages/server/src/config/parse_config.ts";

const ENGINE = new URL("../../packages/server/", import.meta.url);

Deno.test("ROOM_POLICY=rls without a database is told at the start, with what to set", () => {
  const env = new Map([["SUPABASE_URL", "http://x"], ["ROOM_POLICY", "rls"]]);
  const { message } = assertThrows(() => parseConfig((name) => env.get(name)), ConfigError);
  for (const part of ["ROOM_POLICY is rls", "SUPABASE_DB_URL", "any or claim"]) {
    assertStringIncludes(message, part);
  }
  env.set("SUPABASE_DB_URL", "postgres://db/postgres");
  assertEquals(parseConfig((name) => env.get(name)).ROOM_POLICY, "rls");
});

Deno.test("what asks the database is loaded when it is chosen, and not with the service", async () => {
  const loaded = await staticImports("mod.ts");
  assertEquals(loaded.has("src/compose/choose_policy.ts"), true);
  assertEquals([...loaded].filter((path) => /^src\/(permissions|backplane\/postgres)\b/.test(path)), []);
});

/**
 * The modules that are loaded with one: those of its imports that are neither of types nor dynamic,
 * and of theirs.
 */
async function staticImports(path: string, seen: Set<string> = new Set()): Promise<Set<string>> {
  if (seen.has(path)) return seen;
  seen.add(path);
  const text = await Deno.readTextFile(new URL(path, ENGINE));
  for (const [, specifier = ""] of text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from "(\.[^"]+)";/gm)) {
    const target = new URL(specifier, new URL(path, ENGINE)).href;
    // packages/protocol imports nothing.
    if (target.startsWith(ENGINE.href)) await staticImports(target.slice(ENGINE.href.length), seen);
  }
  return seen;
}
