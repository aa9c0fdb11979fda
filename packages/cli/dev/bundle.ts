import * as esbuild from "esbuild";

/** Options of every bundle: ES modules, as texts. */
export const ES_MODULES = {
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  outdir: "/",
  write: false,
  logLevel: "silent",
} as const satisfies esbuild.BuildOptions;

/** Input of `bundle`. */
export interface BundleOptions {
  /** Source file by output name without extension: `{ mod: ".../mod.ts" }`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Packages that stay imports. */
  readonly external?: readonly string[];
  /** Folder whose `node_modules` holds the bundled packages. */
  readonly packages?: string;
  /** Default: false. */
  readonly minify?: boolean;
}

/** Output file. */
export interface BundledFile {
  /** Such as `mod.js`, or `chunk-….js` for code that two entries share. */
  readonly name: string;
  readonly text: string;
}

/**
 * Bundles TypeScript modules as ES modules (ES2022) with source maps inside.
 * @throws {Error} with file and line when a module cannot be parsed or found
 */
export async function bundle(options: BundleOptions): Promise<BundledFile[]> {
  const { outputFiles } = await esbuild.build({
    entryPoints: { ...options.entries },
    external: [...options.external ?? []],
    nodePaths: options.packages === undefined ? [] : [`${options.packages}/node_modules`],
    minify: options.minify ?? false,
    splitting: true,
    sourcemap: options.minify ? false : "inline",
    ...ES_MODULES,
  });
  return outputFiles.map(({ path, text }) => ({ name: path.slice(1), text }));
}

/** Ends esbuild's process; the next `bundle` starts another. */
export async function stopBundling(): Promise<void> {
  await esbuild.stop();
}
