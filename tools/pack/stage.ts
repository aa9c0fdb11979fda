import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);
/** Files from which Deno installs exactly the locked packages. */
const MANIFESTS = [
  "deno.json",
  "deno.lock",
  "packages/server/deno.json",
  "supabase/functions/realtime/deno.json",
];
/** Sources that are bundled. */
const SOURCES = ["packages/protocol", "packages/server", "packages/cli", "packages/client", "supabase"];

/**
 * Copy of the sources beside a `node_modules` folder, where bundlers and compilers find packages.
 */
export interface Stage extends AsyncDisposable {
  /** Ends in a slash. */
  readonly folder: URL;
}

/**
 * Copies the sources into a temporary folder, and installs the locked packages there. The
 * repository itself has no `node_modules`: Deno reads packages from its cache.
 * @throws {Error} with Deno's output if a package cannot be installed
 */
export async function createStage(): Promise<Stage> {
  // The real path: bundlers follow symbolic links, and compare what they find with the folder.
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-pack-" }));
  const folder = new URL(`file://${path}/`);
  const remove = () => Deno.remove(path, { recursive: true });
  try {
    for (const source of SOURCES) {
      await copyFolder(new URL(`${source}/`, ROOT), new URL(`${source}/`, folder));
    }
    for (const name of MANIFESTS) await Deno.copyFile(new URL(name, ROOT), new URL(name, folder));
    await deno(["install", "--frozen", "--node-modules-dir=auto"], path);
    await Deno.writeTextFile(new URL("deno.d.ts", folder), await deno(["types"], path));
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: remove };
}

async function copyFolder(from: URL, to: URL): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), new URL(`${name}/`, to));
    if (isFile) await Deno.copyFile(new URL(name, from), new URL(name, to));
  }
}

/** Runs Deno and returns its stdout. */
async function deno(args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd })
    .output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Path of a file in the stage. */
export function stagePath(stage: Stage, path: string): string {
  return fileURLToPath(new URL(path, stage.folder));
}
