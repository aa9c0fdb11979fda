import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundle, stopBundling } from "../../packages/cli/dev/bundle.ts";
import { declarationsOf } from "./declarations.ts";
import { exportsOf, manifestText } from "./manifest.ts";
import { type PackageFile, repositoryFiles, writePackage } from "./package_file.ts";

const SOURCES = new URL("../../packages/client/", import.meta.url);
/** Entries of the package, each with its module, without ending. */
const ENTRIES = {
  ".": "mod",
  "./react": "react",
  "./indexed-db": "indexed_db",
  "./cursors": "cursors",
} as const;
/** Module of the core: what a page with one room takes of `.`. */
const CORE = "connect";
/** Packages that the consumer installs. */
const EXTERNAL = ["react"];

/** Largest core, without shared connections, minified and compressed, in bytes. */
export const MAX_CORE_BYTES = 8_704;

/** Size of an entry with all modules that it needs. */
interface EntrySize {
  /** Name in an import, or `core`. */
  readonly entry: string;
  readonly minifiedBytes: number;
  /** Minified, with `gzip -9`. */
  readonly gzipBytes: number;
}

/**
 * Builds the npm package `@realtime-edge/client`: JavaScript, types, README, licence, changelog.
 * The JavaScript is not minified: bundlers do that, and stack traces in Node stay readable. The
 * entries share chunks.
 * @throws {Error} naming file and line of a syntax error or of an export without a type
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
    ...await repositoryFiles({
      "LICENSE": "LICENSE",
      "CHANGELOG.md": "CHANGELOG.md",
      "README.md": "packages/client/README.md",
    }),
    { path: "package.json", text: manifest() },
  ];
}

/** Writes the package into a folder and removes everything else from it. */
export async function writeClientPackage(folder: URL): Promise<void> {
  await writePackage(folder, await clientPackage());
}

/** Measures the core, and each entry for a page that imports nothing else. */
export async function measureClient(): Promise<EntrySize[]> {
  return await Promise.all(
    Object.entries({ core: CORE, ...ENTRIES }).map(async ([entry, module]) => {
      const files = await bundleEntries([module], true);
      const script = files.map(({ text }) => text).join("");
      const minifiedBytes = new TextEncoder().encode(script).length;
      return { entry, minifiedBytes, gzipBytes: gzipSync(script, { level: 9 }).length };
    }),
  );
}

/** Ends the bundler process. */
export { stopBundling };

async function bundleEntries(modules: readonly string[], minify: boolean): Promise<PackageFile[]> {
  const entries = Object.fromEntries(
    modules.map((name) => [name, fileURLToPath(new URL(`${name}.ts`, SOURCES))]),
  );
  const files = await bundle({ entries, external: EXTERNAL, minify });
  return files.map(({ name, text }) => ({ path: name, text: withoutSourceMap(text) }));
}

/** Removes the source map, which would be most of the package. */
function withoutSourceMap(text: string): string {
  return text.replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
}

function manifest(): string {
  return manifestText({
    name: "@realtime-edge/client",
    description:
      "Auto-reconnecting rooms over WebSockets: broadcast, presence, history, and resume without loss.",
    keywords: ["presence", "broadcast", "react"],
    exports: exportsOf(ENTRIES),
    files: ["*.js", "**/*.d.ts", "CHANGELOG.md"],
    sideEffects: false,
    engines: { node: ">=20" },
    peerDependencies: { react: ">=18.2" },
    peerDependenciesMeta: { react: { optional: true } },
  });
}
