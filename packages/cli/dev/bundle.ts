import * as esbuild from "esbuild";

/** How modules are made into what a browser or Node can load. */
export interface BundleOptions {
  /** File by the name that it gets, without ending: `{ mod: ".../mod.ts" }`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Packages that are left as imports. */
  readonly external?: readonly string[];
  /** Where packages that are not left out are found: a folder with `node_modules`. */
  readonly packages?: string;
  /** Default: false. */
  readonly minify?: boolean;
}

/** A file that was made. */
export interface BundledFile {
  /** Such as `mod.js`, or `chunk-….js` for what two entries share. */
  readonly name: string;
  readonly text: string;
}

/**
 * Bundles TypeScript modules as ES modules (ES2022) with source maps inside.
 * @throws {Error} naming file and line of what cannot be parsed or found
 */
export async function bundle(options: BundleOptions): Promise<BundledFile[]> {
  const { outputFiles } = await esbuild.build({
    entryPoints: { ...options.entries },
    external: [...options.external ?? []],
    nodePaths: options.packages === undefined ? [] : [`${options.packages}/node_modules`],
    minify: options.minify ?? false,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    sourcemap: options.minify ? false : "inline",
    outdir: "/",
    write: false,
    logLevel: "silent",
  });
  return outputFiles.map(({ path, text }) => ({ name: path.slice(1), text }));
}

/** Ends the process that bundles; the next `bundle` starts another. */
export async function stopBundling(): Promise<void> {
  await esbuild.stop();
}
