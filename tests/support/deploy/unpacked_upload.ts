import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { listFiles } from "../../../tools/support/list_files.ts";
import type { Deployment } from "./management_api.ts";
import { locateDeno, runOrThrow } from "./npm_tool.ts";

/** The Deno version whose API the hosted runtime has. */
export const HOSTED_DENO_VERSION = "2.1.4";

const DOWNLOAD_MS = 300_000;
const QUERY_MS = 30_000;

/** Uploaded files in a directory of their own, with their npm packages in Deno's cache. */
export interface UnpackedUpload {
  readonly directory: string;
  /** Path of the Deno that the hosted runtime is made from. */
  readonly deno: string;
  /** Where that Deno caches packages. */
  readonly cacheDirectory: string;
  /** Arguments that name the entrypoint and its configuration, as the upload's metadata does. */
  readonly entrypointArgs: readonly string[];
}

/**
 * Writes the uploaded files below `directory`, and downloads the npm packages that they import.
 * @throws {Error} when a file's path leads out of the directory, or when an import cannot be resolved
 */
export async function unpackUpload(
  { files, metadata }: Deployment,
  directory: string,
): Promise<UnpackedUpload> {
  for (const [path, bytes] of files) {
    const target = join(directory, path);
    if (!target.startsWith(`${directory}/`)) throw new Error(`${path} leads out of the upload.`);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
  const deno = await locateDeno(HOSTED_DENO_VERSION);
  const config = metadata.importMapPath ? ["--config", metadata.importMapPath] : ["--no-config"];
  // No lock file is uploaded: the platform's bundler resolves versions anew, and so do we.
  const entrypointArgs = [...config, "--no-lock", metadata.entrypointPath];
  await runOrThrow(deno, {
    args: ["cache", ...entrypointArgs],
    cwd: directory,
    env: { DENO_TLS_CA_STORE: "system" },
    timeoutMs: DOWNLOAD_MS,
  });
  const { denoDir } = await denoInfo<{ denoDir: string }>(deno, { args: [], cwd: directory });
  return { directory, deno, cacheDirectory: denoDir, entrypointArgs };
}

/** How big the npm packages of an upload are. */
export interface PackagesSize {
  readonly packages: number;
  /** All files of all packages. */
  readonly bytes: number;
  /** Each of them compressed by itself. What the platform bundles is what is reached of them, so this is more than they add. */
  readonly compressedBytes: number;
}

/** Measures the npm packages that the function's modules reach. */
export async function measurePackages(upload: UnpackedUpload): Promise<PackagesSize> {
  const { npmPackages } = await denoInfo<{ npmPackages: Record<string, NpmPackage> }>(upload.deno, {
    args: upload.entrypointArgs,
    cwd: upload.directory,
  });
  // The same version can be there twice, with other peer dependencies.
  const directories = new Set(
    Object.values(npmPackages).map(({ name, version, registryUrl }) => {
      const { host, pathname } = new URL(registryUrl);
      return join(upload.cacheDirectory, "npm", host, pathname, name, version);
    }),
  );
  let bytes = 0;
  let compressedBytes = 0;
  for (const directory of directories) {
    for (const path of await listFiles(pathToFileURL(`${directory}/`), "")) {
      const content = await Deno.readFile(join(directory, path));
      bytes += content.length;
      compressedBytes += gzipSync(content).length;
    }
  }
  return { packages: directories.size, bytes, compressedBytes };
}

interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly registryUrl: string;
}

/** The shape is Deno's own; its version is pinned. */
async function denoInfo<T>(
  deno: string,
  options: { readonly args: readonly string[]; readonly cwd: string },
): Promise<T> {
  const args = ["info", "--json", ...options.args];
  return JSON.parse(await runOrThrow(deno, { args, cwd: options.cwd, timeoutMs: QUERY_MS }));
}
