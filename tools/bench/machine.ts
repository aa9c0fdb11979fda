import { dirname } from "node:path";
import type { Origin, RunReport } from "./report_file.ts";

/** Describes this machine. Linux only. */
export function describeMachine(): RunReport["machine"] {
  const model = /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  return {
    processor: model ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    driver: `Deno ${Deno.version.deno}`,
  };
}

/**
 * Reads the commit of a program. It is dirty if the folder of its entry has uncommitted changes.
 */
export async function describeOrigin(entry: string): Promise<Origin> {
  const folder = dirname(entry);
  const revision = await git(folder, ["rev-parse", "HEAD"]);
  const changes = await git(folder, ["status", "--porcelain", "--", "."]);
  return { revision, isDirty: changes !== "" };
}

/** Output of git; null without git or a repository. */
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
