/** examples/docker: its variables are the function's, and Docker waits for the drain. No engine runs here. */
import { assert, assertEquals } from "@std/assert";
import { parseConfig } from "../../packages/server/src/config/parse_config.ts";
import { ENVIRONMENT } from "../../packages/server/src/config/variables.ts";

const COMPOSE = new URL("../../examples/docker/compose.yaml", import.meta.url);
const PROJECT = "https://abcdefghijklmnopqrst.supabase.co";
/** Time from the end of the drain to the end of the process. */
const END_SECONDS = 2;

Deno.test("the Compose example sets variables that the function accepts, and leaves time to drain", async () => {
  const text = await Deno.readTextFile(COMPOSE);
  const block = text.match(/^ {4}environment:\n((?: {6}.*\n)+)/m)?.[1] ?? "";
  const given = new Map(
    [...block.matchAll(/^ {6}(\w+): (.*)$/gm)].map((
      [, name = "", value = ""],
    ) => [name, value.replace(/^\$\{SUPABASE_URL:\?.*\}$/, PROJECT)]),
  );
  assertEquals([...given.keys()].filter((name) => !(name in ENVIRONMENT)), []);
  const config = parseConfig((name) => given.get(name));
  assertEquals(config.SUPABASE_URL, PROJECT);
  assertEquals(new URL(given.get("REDIS_URL") ?? "").hostname, "valkey");
  assert(/^ {2}valkey:\n {4}image:/m.test(text), "REDIS_URL names no service of the file");
  const grace = Number(text.match(/^ {4}stop_grace_period: (\d+)s$/m)?.[1]);
  assert(grace > config.DRAIN_SECONDS + END_SECONDS, `${grace} s are too short`);
  const folder = text.match(/^ {4}build: (.*)$/m)?.[1] ?? "";
  assert((await Deno.stat(new URL(`${folder}/Dockerfile`, COMPOSE))).isFile);
});
