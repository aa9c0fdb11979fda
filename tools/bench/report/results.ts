import { dirname } from "node:path";
import { z } from "zod";
import { lineSchema } from "./line.ts";

/** Version of the file format; it changes with the meaning of a field. */
const FORMAT = 2;

const resultsSchema = z.object({
  format: z.literal(FORMAT),
  measured: z.iso.datetime(),
  machine: z.string(),
  /** Commit of the measured function, with `, changed` behind it if its files differ from it. */
  commit: z.string(),
  rounds: z.number(),
  lines: z.array(lineSchema).readonly(),
}).readonly();

/** Results of one run of the bench; `--json` writes them. */
export type Results = z.infer<typeof resultsSchema>;

/** Writes the results of a run. @throws {Error} if the file cannot be written */
export async function writeResults(file: string, results: Omit<Results, "format">): Promise<void> {
  await Deno.writeTextFile(file, JSON.stringify({ format: FORMAT, ...results }, null, 2) + "\n");
}

/** Reads the results of a run. @throws {Error} naming the file, and the wrong field */
export function readResults(file: string): Results {
  let value: unknown;
  try {
    value = JSON.parse(Deno.readTextFileSync(file));
  } catch (cause) {
    throw new Error(`${file} cannot be read: write it with \`deno task bench --json\``, { cause });
  }
  const { data, error } = resultsSchema.safeParse(value);
  if (!data) throw new Error(`${file} has no results of the bench:\n${z.prettifyError(error)}`);
  return data;
}

/** Describes this machine. Linux only. */
export function describeMachine(): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  return `${model ?? Deno.build.arch}, ${navigator.hardwareConcurrency} cores, Linux ${Deno.osRelease()}`;
}

/** Reads the commit of a program; `unknown` outside of a repository. */
export async function describeCommit(entry: string): Promise<string> {
  const revision = await git(entry, ["rev-parse", "--short=10", "HEAD"]);
  const changes = await git(entry, ["status", "--porcelain", "--untracked-files=no"]);
  return revision === "" ? "unknown" : changes === "" ? revision : `${revision}, changed`;
}

async function git(entry: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command("git", { args: ["-C", dirname(entry), ...args], stderr: "null" });
  const { success, stdout } = await command.output();
  return success ? new TextDecoder().decode(stdout).trim() : "";
}
