import { dirname } from "node:path";
import type { Origin, RunReport } from "./report_file.ts";

/** Describes this machine. Linux only, as the whole bench. */
export function describeMachine(): RunReport["machine"] {
  const model = /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  return {
    processor: model ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    driver: `Deno ${Deno.version.deno}`,
  };
}

/** The commit that a program is of; it is dirty when anything in the folder of its entry is not as in the commit. */
export async function describeOrigin(entry: string): Promise<Origin> {
  const folder = dirname(entry);
  const revision = await git(folder, ["rev-parse", "HEAD"]);
  const changes = await git(folder, ["status", "--porcelain", "--", "."]);
  return { revision, isDirty: changes !== "" };
}

/** What git says; null where there is none, or no repository. */
async function git(folder: string, args: readonly string[]): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", folder, ...args],
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
