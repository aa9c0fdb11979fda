/** `ROOM_POLICY=rls`: what is checked at the start, and what is loaded. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError, parseConfig } from "../../packages/server/src/config/parse_config.ts";

const FUNCTION = new URL("../../supabase/functions/realtime/", import.meta.url);

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
  const loaded = await staticImports("index.ts");
  assertEquals(loaded.has("service_policy.ts"), true);
  assertEquals([...loaded].filter((path) => /^(permissions|backplane\/postgres)\b/.test(path)), []);
});

/** The modules that are loaded with one: those of its imports that are neither of types nor dynamic, and of theirs. */
async function staticImports(path: string, seen: Set<string> = new Set()): Promise<Set<string>> {
  if (seen.has(path)) return seen;
  seen.add(path);
  const text = await Deno.readTextFile(new URL(path, FUNCTION));
  for (const [, specifier = ""] of text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from "(\.[^"]+)";/gm)) {
    await staticImports(new URL(specifier, new URL(path, FUNCTION)).href.slice(FUNCTION.href.length), seen);
  }
  return seen;
}
