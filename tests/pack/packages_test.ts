/** The packages that `deno task pack` builds, as npm and a consumer's compiler see them. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { packAll, type Tarball } from "../../tools/pack/pack_all.ts";
import { listFiles } from "../../tools/support/list_files.ts";
import { run } from "../support/deploy/npm_tool.ts";

const TOOL_MS = 300_000;
const folder = pathToFileURL(
  `${await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-packed-" }))}/`,
);
const tarballs: readonly Tarball[] = await packAll(folder);
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const SERVER = new URL("server/", folder);
const readJson = async (path: string) => JSON.parse(await Deno.readTextFile(new URL(path, folder)));

Deno.test("publint finds nothing to say about a package", async () => {
  for (const name of ["client", "server", "cli"]) {
    const { code, stdout, stderr } = await run("npx", {
      args: ["-y", "publint@0.3.25", fileURLToPath(new URL(`${name}/`, folder)), "--strict"],
      timeoutMs: TOOL_MS,
    });
    assertEquals(code, 0, stdout + stderr);
  }
});

Deno.test("compilers find the types of every entry of a package", async () => {
  for (const { path } of tarballs.filter(({ path }) => /-(client|server)-/.test(path))) {
    // ES modules only: `require` of one is for Node to refuse or not.
    const args = ["-y", "@arethetypeswrong/cli@0.18.5", path, "--profile", "esm-only"];
    const { code, stdout, stderr } = await run("npx", { args, timeoutMs: TOOL_MS });
    assertEquals(code, 0, stdout + stderr);
  }
});

Deno.test("the server is a few files, and imports Hono and what is loaded when it is chosen", async () => {
  const scripts = await listFiles(SERVER, ".js");
  assertEquals(scripts, [
    "channels.js",
    "engine.js",
    "mod.js",
    "openapi.js",
    "postgres.js",
    "redis.js",
    "room_modules.js",
    "rooms.js",
    "schemas.js",
    "supabase.js",
    "testing.js",
    "types.js",
  ]);
  const packages = new Set<string>();
  for (const name of scripts) {
    const text = await Deno.readTextFile(new URL(name, SERVER));
    for (
      const [, specifier = ""] of text.matchAll(/(?:^|[;}\s])(?:from|import) ?\(?['"]([^'"\n]+)['"]\)?;/gm)
    ) {
      if (!/^(\.|node:|(os|fs|net|tls|crypto|stream|perf_hooks)$)/.test(specifier)) packages.add(specifier);
    }
  }
  const names = [...packages].map((specifier) => specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0]);
  const manifest = await readJson("server/package.json");
  assertEquals([...new Set(names)].sort(), ["@redis/client", "@supabase/supabase-js", "hono"]);
  assertEquals(Object.keys(manifest.dependencies), ["@redis/client", "@supabase/supabase-js"]);
  assertEquals(Object.keys(manifest.peerDependencies), ["hono", "zod"]);
});

Deno.test("only schemas.js, which HTTP requests load, has zod, and no socket loads it", async () => {
  const loaded = new Set(["mod.js", "rooms.js", "room_modules.js"]);
  for (const name of loaded) {
    const text = await Deno.readTextFile(new URL(name, SERVER));
    for (const [, path = ""] of text.matchAll(/^(?:import|export)[^"'()]*['"]\.\/([^'"]+)['"];$/gm)) {
      loaded.add(path);
    }
    assert(!text.includes("ZodMini"), name);
  }
  assert(loaded.has("engine.js") && !loaded.has("schemas.js"), [...loaded].join());
  assert((await Deno.readTextFile(new URL("schemas.js", SERVER))).includes("ZodMini"));
});

Deno.test("every import of the server that another package answers is in its manifest's range", async () => {
  const manifest = await readJson("server/package.json");
  const { imports } = JSON.parse(
    await Deno.readTextFile(new URL("../../packages/server/deno.json", import.meta.url)),
  );
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    assertEquals(imports[name], `npm:${name}@${String(version).replace("^", "")}`);
  }
});

Deno.test("the server carries every migration, byte for byte, licence and changelog", async () => {
  const engine = new URL("../../packages/server/migrations/", import.meta.url);
  const migrations = await listFiles(engine, ".sql");
  assert(migrations.length > 0);
  assertEquals(await listFiles(new URL("migrations/", SERVER), ".sql"), migrations);
  for (const name of migrations) {
    assertEquals(
      await Deno.readTextFile(new URL(`migrations/${name}`, SERVER)),
      await Deno.readTextFile(new URL(name, engine)),
    );
  }
  for (const name of ["LICENSE", "CHANGELOG.md", "README.md"]) await Deno.stat(new URL(name, SERVER));
});

Deno.test("the same sources make the same bytes, so that upgrade finds nothing to do", async () => {
  const again = new URL("again/", folder);
  await packAll(again);
  for (const name of ["client", "server", "cli"]) {
    const [one, other] = [new URL(`${name}/`, folder), new URL(`${name}/`, again)];
    const paths = await listFiles(one, "");
    assertEquals(await listFiles(other, ""), paths);
    for (const path of paths) {
      const [first, second] = await Promise.all(
        [one, other].map((base) => Deno.readTextFile(new URL(path, base))),
      );
      assertEquals(first, second, `${name}/${path}`);
      assert(!/realtime-pack-/.test(first ?? ""), `${name}/${path} names a temporary folder`);
    }
  }
});

Deno.test("the tarballs have the names that the pages show", async () => {
  const { version } = await readJson("server/package.json");
  assertEquals(tarballs.map(({ path }) => path.slice(fileURLToPath(folder).length)), [
    `realtime-edge-client-${version}.tgz`,
    `realtime-edge-server-${version}.tgz`,
    `realtime-edge-${version}.tgz`,
  ]);
});
