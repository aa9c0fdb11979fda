import * as esbuild from "esbuild";
import { rollup } from "rollup";
import { ES_MODULES } from "../../packages/cli/dev/bundle.ts";
import { type PackageFile, UNCHECKED } from "./package_file.ts";
import { type Stage, stagePath } from "./stage.ts";

/** Options of the bundle. */
export interface ServerBundleOptions {
  /** Module by output name: `{ mod: "packages/server/mod.ts" }`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Packages that stay imports. */
  readonly external: readonly string[];
}

/** Entries that a function loads at its boot. */
const AT_BOOT = ["mod.js", "rooms.js", "supabase.js"];
/** Chunk of rooms, and of what several late chunks share. */
const ROOMS = "room_modules";
/** Further chunks that the engine loads late, with the modules that begin each. */
const LATE: Readonly<Record<string, RegExp>> = {
  channels: /^channels_/,
  openapi: /^describe_routes_/,
  postgres: /^(postgres_backplane|row_security)_/,
  redis: /^redis_backplane_/,
  // Schemas of HTTP requests, with zod.
  schemas: /^(client_frames|page_query|operator_bodies|ticket_body|rest_broadcast)_/,
};

/**
 * Bundles the server's entries as ES modules, with every package that is not `external`. Names stay
 * as they are, so that stack traces and reviews of a vendored copy can be read.
 * @throws {Error} with file and line when a module cannot be parsed or found
 */
export async function bundleServer(stage: Stage, options: ServerBundleOptions): Promise<PackageFile[]> {
  return await mergeChunks(await splitModules(stage, options), Object.keys(options.entries));
}

/** Bundles with esbuild, which makes a chunk of every set of modules that some entries share. */
async function splitModules(
  stage: Stage,
  { entries, external }: ServerBundleOptions,
): Promise<PackageFile[]> {
  const { outputFiles } = await esbuild.build({
    entryPoints: Object.fromEntries(
      Object.entries(entries).map(([name, path]) => [name, stagePath(stage, path)]),
    ),
    // Comments name sources from here: the same sources make the same bytes.
    absWorkingDir: stagePath(stage, "."),
    external: [...external],
    splitting: true,
    // Deno has Node's modules; packages choose their build for servers.
    platform: "node",
    conditions: ["deno", "import"],
    chunkNames: "[name]_[hash]",
    ...ES_MODULES,
  });
  return outputFiles.map(({ path, text }) => ({ path: path.slice(1), text }));
}

/** Merges the chunks of esbuild: one for the boot, and one for each thing that is loaded late. */
async function mergeChunks(
  files: readonly PackageFile[],
  entries: readonly string[],
): Promise<PackageFile[]> {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const chunkOf = assignChunks(texts);
  const build = await rollup({
    input: Object.fromEntries(entries.map((name) => [name, `${name}.js`])),
    external: (id) => !id.startsWith(".") && !texts.has(id),
    treeshake: false,
    plugins: [{
      name: "esbuild-output",
      resolveId: (id) => texts.has(id.replace("./", "")) ? id.replace("./", "") : null,
      load: (id) => texts.get(id) ?? null,
    }],
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
  const { output } = await build.generate({
    format: "es",
    manualChunks: (id) => chunkOf.get(id),
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    minifyInternalExports: false,
    hoistTransitiveImports: false,
  });
  await build.close();
  return output.flatMap((file) =>
    file.type === "chunk" ? [{ path: file.fileName, text: headerOf(file) + file.code }] : []
  );
}

/** Begins a file of the bundle. An entry names its declarations. */
function headerOf({ name, isEntry }: { readonly name: string; readonly isEntry: boolean }): string {
  const types = isEntry ? `// @ts-self-types="./${name}.d.ts"\n` : "";
  return types + UNCHECKED;
}

/** Chunk of each of esbuild's files, but for the entries, which keep theirs. */
function assignChunks(texts: ReadonlyMap<string, string>): Map<string, string> {
  const chunkOf = new Map<string, string>();
  const late = [...texts.values()].flatMap((text) => importsOf(text, /import\("\.\/([^"]+)"\)/g));
  for (const path of late) {
    const [chunk = ROOMS] = Object.entries(LATE).find(([, begins]) => begins.test(path)) ?? [];
    for (const needed of reachable(texts, [path])) {
      chunkOf.set(needed, (chunkOf.get(needed) ?? chunk) === chunk ? chunk : ROOMS);
    }
  }
  for (const path of reachable(texts, AT_BOOT)) chunkOf.set(path, "engine");
  // An entry has a name without a hash.
  for (const path of texts.keys()) if (/^[a-z]+\.js$/.test(path)) chunkOf.delete(path);
  return chunkOf;
}

/** Files that load together with the given ones. */
function reachable(texts: ReadonlyMap<string, string>, from: readonly string[]): Set<string> {
  const found = new Set(from);
  for (const path of found) {
    for (const target of importsOf(texts.get(path) ?? "", /^(?:import|\} from) ?"\.\/([^"]+)";$/gm)) {
      found.add(target);
    }
  }
  return found;
}

function importsOf(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, path = ""]) => path);
}
