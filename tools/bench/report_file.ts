import { z } from "zod";
import { lineSchema } from "./report.ts";

/** Version of the file format; it changes with the meaning of a field. */
const FORMAT = 1;

const originSchema = z.object({
  /** Commit; null without git. */
  revision: z.string().nullable(),
  /** True if the measured files differ from the commit. */
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
    /** Deno that runs the bench and its load generator. */
    driver: z.string(),
  }).readonly(),
  /** Origins of the measured function and of the bench, which may be different checkouts. */
  measured: originSchema,
  bench: originSchema,
  /** Deno versions of the measured processes. */
  denoVersions: z.array(z.string()).readonly(),
  cases: z.array(z.string()).readonly(),
  rounds: z.number(),
  /** Load averages of the machine over 1, 5 and 15 minutes. */
  loadBefore: z.array(z.number()).readonly(),
  loadAfter: z.array(z.number()).readonly(),
  lines: z.array(lineSchema).readonly(),
  load: z.array(loadLineSchema).readonly(),
}).readonly();

/** Origin of measured code. */
export type Origin = z.infer<typeof originSchema>;
/** Result of one run of the bench; `--json` writes it. */
export type RunReport = z.infer<typeof runReportSchema>;

/** Writes a run. @throws {Error} if the file cannot be written */
export async function writeRunReport(file: string, report: Omit<RunReport, "format">): Promise<void> {
  await Deno.writeTextFile(file, JSON.stringify({ format: FORMAT, ...report }, null, 2) + "\n");
}

/** Reads a run. @throws {Error} naming the file, and the wrong field */
export async function readRunReport(file: string): Promise<RunReport> {
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    throw new Error(`${file} cannot be read: write it with \`deno task bench --json\``, { cause });
  }
  return parseRunReport(text, file);
}

/** Parses the text of `file`. @throws {Error} naming the file, and the wrong field */
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
    if (seen.has(key)) throw new Error(`${file}: lines[${index}]: the figure ${key} occurs twice`);
    seen.add(key);
    if (line.ours.samples.length !== line.peer.samples.length) {
      throw new Error(
        `${file}: lines[${index}].peer.samples: not as many as ours: ${line.peer.samples.length} instead of ${line.ours.samples.length}`,
      );
    }
  });
  return data;
}

/** Unique, readable key of a line within a run. */
export function lineKey(
  line: { readonly case: string; readonly deno: string; readonly figure: string; readonly peerName: string },
): string {
  return `${line.case}, Deno ${line.deno}, ${line.figure}, beside ${line.peerName}`;
}

/** Formats a path, such as `lines[3].ours.samples[2]`. */
function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((step) => typeof step === "number" ? `[${step}]` : `.${String(step)}`).join("");
  return text.replace(/^\./, "") || "the whole";
}
