import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { VERSION } from "../../packages/server/src/version.ts";
import { bundle, stopBundling } from "../../packages/cli/dev/bundle.ts";
import { declarationsOf } from "./declarations.ts";

const SOURCES = new URL("../../packages/client/", import.meta.url);
/** What a consumer imports, and the module that it is, without ending. */
const ENTRIES = { ".": "mod", "./react": "react", "./indexed-db": "indexed_db" } as const;
/** Packages that the consumer brings. */
const EXTERNAL = ["react"];

/** The most that the core may be, minified and compressed, in bytes. */
export const MAX_CORE_BYTES = 8_192;

/** A file of the package. */
export interface PackageFile {
  readonly path: string;
  readonly text: string;
}

/** What an entry costs a page, with everything that it needs of ours. */
export interface EntrySize {
  /** As imported: `.` is the core. */
  readonly entry: string;
  readonly minifiedBytes: number;
  /** Of what is minified, with `gzip -9`. */
  readonly gzipBytes: number;
}

/**
 * The npm package `@realtime-edge/client`: JavaScript, types, README and package.json. The JavaScript can be read, with names as
 * written: whoever builds a page minifies it anyway, and in Node a stack trace then says something. What entries share is
 * one file that each imports.
 * @throws {Error} naming file and line of what does not parse, or of an export without a type
 */
export async function clientPackage(): Promise<PackageFile[]> {
  const modules = Object.values(ENTRIES);
  const [scripts, declarations] = await Promise.all([
    bundleEntries(modules, false),
    declarationsOf(SOURCES, modules.map((name) => `${name}.ts`)),
  ]);
  return [
    ...scripts,
    ...declarations,
    { path: "README.md", text: await readme() },
    { path: "package.json", text: JSON.stringify(manifest(), null, 2) + "\n" },
  ];
}

/** Writes the package into a folder, which has nothing else in it afterwards. */
export async function writeClientPackage(folder: URL): Promise<void> {
  const files = await clientPackage();
  await Deno.remove(folder, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(folder, { recursive: true });
  for (const { path, text } of files) {
    const file = new URL(path, folder);
    await Deno.mkdir(new URL("..", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}

/** How large each entry is for a page that imports only that. */
export async function measureClient(): Promise<EntrySize[]> {
  return await Promise.all(
    Object.entries(ENTRIES).map(async ([entry, module]) => {
      const files = await bundleEntries([module], true);
      const script = files.map(({ text }) => text).join("");
      const minifiedBytes = new TextEncoder().encode(script).length;
      return { entry, minifiedBytes, gzipBytes: gzipSync(script, { level: 9 }).length };
    }),
  );
}

/** Ends the process that bundles. */
export { stopBundling };

async function bundleEntries(modules: readonly string[], minify: boolean): Promise<PackageFile[]> {
  const entries = Object.fromEntries(
    modules.map((name) => [name, fileURLToPath(new URL(`${name}.ts`, SOURCES))]),
  );
  const files = await bundle({ entries, external: EXTERNAL, minify });
  return files.map(({ name, text }) => ({ path: name, text: withoutSourceMap(text) }));
}

/** The map would be most of the package. */
function withoutSourceMap(text: string): string {
  return text.replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
}

/** In the package the repository's other documents are not there: links to them become text. */
async function readme(): Promise<string> {
  const text = await Deno.readTextFile(new URL("README.md", SOURCES));
  return text.replace(/\[([^\]]+)\]\(\.\.\/[^)]*\)/g, "$1");
}

function manifest(): Readonly<Record<string, unknown>> {
  const exports = Object.entries(ENTRIES).map(([entry, module]) => [
    entry,
    { types: `./${module}.d.ts`, default: `./${module}.js` },
  ]);
  return {
    name: "@realtime-edge/client",
    version: VERSION,
    description:
      "Rooms over WebSocket that mend themselves: broadcast, presence, history, and resume without loss.",
    type: "module",
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    files: ["*.js", "**/*.d.ts"],
    sideEffects: false,
    engines: { node: ">=20" },
    peerDependencies: { react: ">=18.2" },
    peerDependenciesMeta: { react: { optional: true } },
  };
}
