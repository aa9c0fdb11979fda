import { listFiles } from "../../tools/support/list_files.ts";
import { exportsOf, manifestText } from "./manifest.ts";
import { type PackageFile, repositoryFiles } from "./package_file.ts";
import { bundleServer } from "./server_bundle.ts";
import { serverDeclarations } from "./server_declarations.ts";
import type { Stage } from "./stage.ts";

/** Entries of the package, each with its module, without ending. */
const ENTRIES = { ".": "mod", "./rooms": "rooms", "./supabase": "supabase", "./testing": "testing" } as const;
/**
 * Packages that stay imports. A larger Hono app and the engine have to share one Hono. The other
 * two are loaded when they are chosen, and have 2.3 MB.
 */
const PEERS = ["hono"] as const;
const DEPENDENCIES = ["@redis/client", "@supabase/supabase-js"] as const;
const MIGRATIONS = "packages/server/migrations/";

/**
 * Builds the npm package `@realtime-edge/server`: JavaScript, types, migrations, licence,
 * changelog.
 * @throws {Error} naming the file of a syntax error or a type error
 */
export async function serverPackage(stage: Stage): Promise<PackageFile[]> {
  const modules = Object.fromEntries(
    Object.values(ENTRIES).map((name) => [name, `packages/server/${name}.ts`]),
  );
  const migrations = await listFiles(new URL(`../../${MIGRATIONS}`, import.meta.url), ".sql");
  const pins = await readPins();
  return [
    ...await bundleServer(stage, { entries: modules, external: [...PEERS, ...DEPENDENCIES] }),
    ...await serverDeclarations(stage, modules),
    ...await repositoryFiles({
      "LICENSE": "LICENSE",
      "CHANGELOG.md": "CHANGELOG.md",
      "README.md": "packages/server/README.md",
      ...Object.fromEntries(migrations.map((name) => [`migrations/${name}`, MIGRATIONS + name])),
    }),
    {
      path: "package.json",
      text: manifestText({
        name: "@realtime-edge/server",
        description: "Socket endpoints and rooms behind verified users, for any host with Deno.",
        keywords: ["deno", "hono", "postgres", "redis", "presence"],
        exports: exportsOf(ENTRIES),
        files: ["*.js", "*.d.ts", "migrations", "CHANGELOG.md"],
        sideEffects: false,
        engines: { deno: ">=2.1.4" },
        dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, pins[name]])),
        // zod is inside for the engine's own schemas. Types name it, and your schemas need it.
        peerDependencies: { hono: `^${pins["hono"]}`, zod: `^${pins["zod"]}` },
        peerDependenciesMeta: { zod: { optional: true } },
      }),
    },
  ];
}

/** Reads the versions of the engine's packages from its import map. */
export async function readPins(): Promise<Readonly<Record<string, string>>> {
  const { imports }: { imports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(new URL("../../packages/server/deno.json", import.meta.url)),
  );
  const pins = Object.entries(imports).flatMap(([name, specifier]) => {
    const version = specifier.match(/@(\d[^/@]*)$/)?.[1];
    return version === undefined ? [] : [[name, version]];
  });
  return Object.fromEntries(pins);
}
