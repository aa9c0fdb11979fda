import { dirname } from "node:path";
import { z } from "zod";
import { lineSchema } from "./line.ts";

const resultsSchema = z.object({
  case: z.string(),
  measured: z.iso.datetime(),
  machine: z.string(),
  /** Commit of the measured function, with `, changed` behind it if its files differ from it. */
  commit: z.string(),
  rounds: z.number(),
  lines: z.array(lineSchema).readonly(),
}).readonly();

/** Results of one case in one run of the bench: the file `<case>.json`. */
export type Results = z.infer<typeof resultsSchema>;

/** Saves each case in a file of its name in an existing directory, with one line for each figure. */
export async function saveResults(directory: string, results: readonly Results[]): Promise<void> {
  for (const { lines, ...run } of results) {
    const figures = lines.map((line) => JSON.stringify(line, fiveDigits)).join(",\n");
    const text = JSON.stringify({ ...run, lines: [] }, null, 2).replace("[]", `[\n${figures}\n]`);
    await Deno.writeTextFile(`${directory}/${run.case}.json`, `${text}\n`);
  }
}

/** Rounds numbers: later digits are noise. */
function fiveDigits(_field: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}

/** Reads all results in a directory. @throws {Error} naming the file and the wrong field */
export function readResults(directory: string): Results[] {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) =>
    name.endsWith(".json")
  );
  return names.sort().map((name) => {
    const { data, error } = resultsSchema.safeParse(
      JSON.parse(Deno.readTextFileSync(`${directory}/${name}`)),
    );
    if (!data) {
      throw new Error(`${directory}/${name} has no results of the bench:\n${z.prettifyError(error)}`);
    }
    return data;
  });
}

/** Describes this machine and how busy it is. Linux only. */
export function describeMachine(): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  const cores = `${navigator.hardwareConcurrency} cores, load ${Deno.loadavg()[0]?.toFixed(1)}`;
  return `${model ?? Deno.build.arch}, ${cores}, Linux ${Deno.osRelease()}`;
}

/** Reads the commit of a program; `unknown` outside of a repository. */
export async function describeCommit(entry: string): Promise<string> {
  const args = ["describe", "--always", "--abbrev=10", "--exclude=*", "--dirty=, changed"];
  const command = new Deno.Command("git", { args: ["-C", dirname(entry), ...args], stderr: "null" });
  return new TextDecoder().decode((await command.output()).stdout).trim() || "unknown";
}
