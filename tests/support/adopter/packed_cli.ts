import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { packAll } from "../../../tools/pack/pack_all.ts";
import { run, runOrThrow, type RunResult } from "../deploy/npm_tool.ts";

const INSTALL_MS = 120_000;
const COMMAND_MS = 60_000;

/** The command as npm installs it from its tarball, in a folder with nothing else. */
export interface PackedCli extends AsyncDisposable {
  /** Folder of the installed package. */
  readonly packageFolder: string;
  /** Runs the command in a folder, on Node. */
  run(cwd: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunResult>;
}

/** Packs the packages, and installs the command's tarball into an empty folder. */
export async function installPackedCli(): Promise<PackedCli> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "realtime-cli-" }));
  const tarballs = await packAll(pathToFileURL(`${folder}/packed/`));
  const tarball = tarballs.find(({ path }) => /\/realtime-edge-\d[^/]*$/.test(path));
  if (!tarball) throw new Error("`deno task pack` made no tarball of the command.");
  return await installCli(folder, tarball.path);
}

/** Installs a tarball of the command into a folder; disposal removes the folder. */
export async function installCli(folder: string, tarball: string): Promise<PackedCli> {
  const installed = join(folder, "installed");
  await Deno.mkdir(installed, { recursive: true });
  await Deno.writeTextFile(join(installed, "package.json"), "{}");
  await runOrThrow("npm", {
    args: ["install", "--no-audit", "--no-fund", `file:${tarball}`],
    cwd: installed,
    timeoutMs: INSTALL_MS,
  });
  const packageFolder = join(installed, "node_modules", "realtime-edge");
  return {
    packageFolder,
    run: (cwd, args, env = {}) =>
      run(join(installed, "node_modules", ".bin", "realtime-edge"), {
        args,
        cwd,
        env,
        timeoutMs: COMMAND_MS,
      }),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Repository's root. */
export const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
