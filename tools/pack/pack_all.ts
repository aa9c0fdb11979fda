import { fileURLToPath } from "node:url";
import { clientPackage, stopBundling } from "./client_package.ts";
import { cliPackage } from "./cli_package.ts";
import { type PackageFile, writePackage } from "./package_file.ts";
import { serverPackage } from "./server_package.ts";
import { createStage } from "./stage.ts";

/** A tarball that npm made. */
export interface Tarball {
  readonly path: string;
  readonly bytes: number;
  /** Number of files in it. */
  readonly files: number;
}

/**
 * Builds every package into its own folder below `folder`, and packs each with npm.
 * @throws {Error} with file and line, or npm's output
 */
export async function packAll(folder: URL): Promise<Tarball[]> {
  const tarballs: Tarball[] = [];
  for (const [name, files] of Object.entries(await buildAll())) {
    const built = new URL(`${name}/`, folder);
    await writePackage(built, files);
    tarballs.push(await npmPack(built, folder));
  }
  return tarballs;
}

async function buildAll(): Promise<Record<string, PackageFile[]>> {
  await using stage = await createStage();
  try {
    const server = await serverPackage(stage);
    return { client: await clientPackage(), server, cli: await cliPackage(stage, server) };
  } finally {
    await stopBundling();
  }
}

/** Packs a folder into a tarball in `into`. */
async function npmPack(folder: URL, into: URL): Promise<Tarball> {
  const { success, stdout, stderr } = await new Deno.Command("npm", {
    args: ["pack", "--json", "--pack-destination", fileURLToPath(into), fileURLToPath(folder)],
  }).output();
  if (!success) throw new Error(`npm pack ${folder.href} failed:\n${new TextDecoder().decode(stderr)}`);
  const output: unknown = JSON.parse(new TextDecoder().decode(stdout));
  // npm 11 lists the tarballs; npm 12 names each by its package.
  const [packed] = Object.values(output as Record<string, NpmPacked>);
  if (!packed) throw new Error(`npm pack ${folder.href} names no tarball.`);
  return {
    path: fileURLToPath(new URL(packed.filename, into)),
    bytes: packed.size,
    files: packed.entryCount,
  };
}

interface NpmPacked {
  readonly filename: string;
  readonly size: number;
  readonly entryCount: number;
}
