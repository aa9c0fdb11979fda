import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { listFiles } from "../../../tools/support/list_files.ts";
import type { Deployment } from "./management_api.ts";
import { locateDeno, runOrThrow } from "./npm_tool.ts";

/** Deno version of the hosted runtime. */
export const HOSTED_DENO_VERSION = "2.1.4";

const DOWNLOAD_MS = 300_000;
const QUERY_MS = 30_000;

/** Uploaded files in their own directory, with their npm packages in Deno's cache. */
export interface UnpackedUpload {
  readonly directory: string;
  /** Path of the hosted runtime's Deno. */
  readonly deno: string;
  /** Cache directory of that Deno. */
  readonly cacheDirectory: string;
  /** Arguments for the entrypoint and its configuration, from the upload's metadata. */
  readonly entrypointArgs: readonly string[];
}

/**
 * Writes the uploaded files to `directory`, and downloads the npm packages that they import.
 * @throws {Error} when a path is outside the directory, or an import cannot be resolved
 */
export async function unpackUpload(
  { files, metadata }: Deployment,
  directory: string,
): Promise<UnpackedUpload> {
  for (const [path, bytes] of files) {
    const target = join(directory, path);
    if (!target.startsWith(`${directory}/`)) throw new Error(`${path} is outside the upload's directory.`);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
  const deno = await locateDeno(HOSTED_DENO_VERSION);
  const config = metadata.importMapPath ? ["--config", metadata.importMapPath] : ["--no-config"];
  // No lock file is uploaded: the platform's bundler resolves versions again, as this does.
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

/** Size of an upload's npm packages. */
export interface PackagesSize {
  readonly packages: number;
  /** Size of all files. */
  readonly bytes: number;
  /**
   * Size with each file compressed; an upper bound, because the platform bundles only imported
   * files.
   */
  readonly compressedBytes: number;
}

/** Measures the npm packages that the function imports. */
export async function measurePackages(upload: UnpackedUpload): Promise<PackagesSize> {
  const { npmPackages } = await denoInfo<{ npmPackages: Record<string, NpmPackage> }>(upload.deno, {
    args: upload.entrypointArgs,
    cwd: upload.directory,
  });
  // The same version can occur twice, with other peer dependencies.
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

/** Runs `deno info`; its output format depends on the pinned version. */
async function denoInfo<T>(
  deno: string,
  options: { readonly args: readonly string[]; readonly cwd: string },
): Promise<T> {
  const args = ["info", "--json", ...options.args];
  return JSON.parse(await runOrThrow(deno, { args, cwd: options.cwd, timeoutMs: QUERY_MS }));
}
