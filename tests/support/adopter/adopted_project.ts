import { join } from "node:path";
import { ChildLines } from "../../../tools/support/processes/child_lines.ts";
import { Disposables } from "../../isolates/disposables.ts";
import { installPackedCli, type PackedCli } from "./packed_cli.ts";
import { createSupabaseProject, type SupabaseProject } from "./supabase_project.ts";

/** Limit of a start of `dev`, which downloads Deno the first time. */
const START_MS = 120_000;

/** A project of the real Supabase CLI, with the packed command that has added the engine to it. */
export interface AdoptedProject extends AsyncDisposable {
  readonly cli: PackedCli;
  readonly project: SupabaseProject;
}

/** Makes a project, and adds functions of these names to it. */
export async function createAdoptedProject(names: readonly string[] = ["realtime"]): Promise<AdoptedProject> {
  await using made = new Disposables();
  const cli = made.use(await installPackedCli());
  const project = made.use(await createSupabaseProject());
  for (const name of names) {
    const { code, stdout, stderr } = await cli.run(project.root, ["init", "--name", name]);
    if (code !== 0) throw new Error(`init --name ${name}: exit ${code}\n${stdout}${stderr}`);
  }
  const kept = made.move();
  return { cli, project, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
}

/** `realtime-edge dev` in a project, on a free port. Disposal ends what it started. */
export interface PackedDev extends AsyncDisposable {
  readonly child: ChildLines;
  /** Such as `http://127.0.0.1:41234/realtime`, once it serves. */
  readonly base: Promise<string>;
}

/** Starts `realtime-edge dev` in a folder. */
export function startPackedDev(cli: PackedCli, cwd: string, args: readonly string[]): PackedDev {
  const child = new ChildLines({
    path: join(cli.packageFolder, "..", ".bin", "realtime-edge"),
    args: ["dev", "--port", "0", ...args],
    cwd,
  }, { name: "realtime-edge dev" });
  const base = child.find((line) => line.match(/^Realtime Edge is up: (\S+)$/)?.[1], START_MS);
  // A test of a failed start waits for another line.
  base.catch(() => {});
  return {
    child,
    base,
    // Killed, the command could not end what it started.
    async [Symbol.asyncDispose]() {
      child.signal("SIGTERM");
      await child.ended;
    },
  };
}
