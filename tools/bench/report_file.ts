import { z } from "zod";
import { lineSchema } from "./report.ts";

/** Of the format of the file: another number, another meaning of its fields. */
const FORMAT = 1;

const originSchema = z.object({
  /** The commit; null where there is no git. */
  revision: z.string().nullable(),
  /** What was measured is not what that commit has. */
  isDirty: z.boolean(),
}).readonly();

const spreadSchema = lineSchema.unwrap().shape.ours;

const loadLineSchema = z.object({
  case: z.string(),
  deno: z.string(),
  work: z.string(),
  busy: spreadSchema,
  cores: spreadSchema,
  serverCores: spreadSchema,
  limit: z.enum(["load generator", "processors"]).nullable(),
}).readonly();

const runReportSchema = z.object({
  format: z.literal(FORMAT),
  startedAt: z.iso.datetime(),
  machine: z.object({
    processor: z.string(),
    cores: z.number(),
    kernel: z.string(),
    /** The Deno that runs the bench and its load generator. */
    driver: z.string(),
  }).readonly(),
  /** Where the measured function comes from, and the bench, which may be another checkout. */
  measured: originSchema,
  bench: originSchema,
  /** The Deno versions of the measured processes. */
  denoVersions: z.array(z.string()).readonly(),
  cases: z.array(z.string()).readonly(),
  rounds: z.number(),
  /** Load averages of the machine over 1, 5 and 15 minutes. */
  loadBefore: z.array(z.number()).readonly(),
  loadAfter: z.array(z.number()).readonly(),
  lines: z.array(lineSchema).readonly(),
  load: z.array(loadLineSchema).readonly(),
}).readonly();

/** Where something measured comes from. */
export type Origin = z.infer<typeof originSchema>;
/** All that one run of the bench has found: what `--json` writes. */
export type RunReport = z.infer<typeof runReportSchema>;

/** Writes a run. @throws {Error} where the file cannot be written */
export async function writeRunReport(file: string, report: Omit<RunReport, "format">): Promise<void> {
  await Deno.writeTextFile(file, JSON.stringify({ format: FORMAT, ...report }, null, 2) + "\n");
}

/** Reads a run. @throws {Error} naming the file, and the field that is wrong */
export async function readRunReport(file: string): Promise<RunReport> {
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    throw new Error(`${file} cannot be read`, { cause });
  }
  return parseRunReport(text, file);
}

/** Makes text of the file named `file` into a run. @throws {Error} naming the file, and the field that is wrong */
export function parseRunReport(text: string, file: string): RunReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON`, { cause });
  }
  const { success, data, error } = runReportSchema.safeParse(value);
  if (!success) {
    const [issue] = error.issues;
    throw new Error(`${file}: ${pathOf(issue?.path ?? [])}: ${issue?.message ?? "not a report"}`);
  }
  const seen = new Set<string>();
  data.lines.forEach((line, index) => {
    const key = lineKey(line);
    if (seen.has(key)) throw new Error(`${file}: lines[${index}]: the figure ${key} is there twice`);
    seen.add(key);
    if (line.ours.samples.length !== line.peer.samples.length) {
      throw new Error(`${file}: lines[${index}].peer.samples: not as many as ours`);
    }
  });
  return data;
}

/** What tells a line from all others of a run, for people too. */
export function lineKey(
  line: { readonly case: string; readonly deno: string; readonly figure: string; readonly peerName: string },
): string {
  return `${line.case}, Deno ${line.deno}, ${line.figure}, beside ${line.peerName}`;
}

/** Such as `lines[3].ours.samples[2]`. */
function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((step) => typeof step === "number" ? `[${step}]` : `.${String(step)}`).join("");
  return text.replace(/^\./, "") || "the whole";
}
