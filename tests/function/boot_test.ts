/**
 * Modules that load before the first answer: the start must not wait for modules that it does not
 * use.
 */
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const ENGINE = new URL("../../packages/server/", import.meta.url);

/** The part of `deno info --json` that the test reads. */
interface ModuleGraph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
    }[];
  }[];
}

async function readGraph(entry: string): Promise<ModuleGraph> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL(entry, ENGINE))],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Lists every module that the entry loads before it runs, without types. */
function loadedAtBoot({ roots, modules }: ModuleGraph): string[] {
  const byAddress = new Map(modules.map((module) => [module.specifier, module]));
  const reached = new Set(roots);
  for (const address of reached) {
    for (const { isDynamic, code } of byAddress.get(address)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier !== undefined) reached.add(code.specifier);
    }
  }
  return [...reached];
}

/** Entries that sockets load: the function's, the rooms of `realtime.v1`, and channels. */
const SOCKETS = ["mod.ts", "rooms.ts", "src/rooms/room_registry.ts", "src/channels/channels.ts"];

Deno.test("no socket loads a schema library", async () => {
  const loaded = (await Promise.all(SOCKETS.map(readGraph))).flatMap(loadedAtBoot);
  assert(loaded.some((address) => address.endsWith("/rooms/inbound/parse_client_frame.ts")));
  assertEquals(loaded.filter((address) => /^npm:\/?zod@/.test(address)), []);
});

Deno.test("the first answer waits for no schema library, store or rooms", async () => {
  // The engine's entry points that every function imports. Additions are the project's choice.
  const graphs = await Promise.all(["mod.ts", "rooms.ts"].map(readGraph));
  const loaded = graphs.flatMap(loadedAtBoot);
  const packages = loaded.filter((address) => address.startsWith("npm:"))
    .map((address) => address.match(/^npm:\/?((?:@[^/]+\/)?[^@/]+)/)?.[1]);
  assertEquals([...new Set(packages)].sort(), ["@hono/zod-validator", "hono", "jose"]);
  const own = loaded.filter((address) => address.startsWith(ENGINE.href))
    .map((address) => address.slice(ENGINE.href.length));
  assert(own.includes("src/http/routes/health.ts"));
  const lazy =
    /^src\/(backplane\/(postgres|redis)|http\/openapi\/(describe_routes|generated)|permissions)\b|^src\/rooms\/(room_registry|member|join|inbound\/receive)\.ts$/;
  assertEquals(own.filter((path) => lazy.test(path)), []);
});
