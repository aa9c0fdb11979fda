import { parseArgs } from "node:util";

/** The names of the cases, in the order in which they run. */
export const CASE_NAMES = [
  "echo",
  "connect",
  "boot",
  "fanout",
  "members",
  "join",
  "delivery",
  "durable",
  "isolates",
  "killed",
  "hosted",
] as const;
export type CaseName = (typeof CASE_NAMES)[number];

/** Options of the command line. */
export interface Options {
  readonly only: readonly CaseName[];
  /** Measured rounds a case; each round measures ours and its peers once (boot: `bootsPerRound` times). */
  readonly rounds: number;
  readonly denoVersions: readonly string[];
  /** `all` measures the peers without a target too. */
  readonly peers: "all" | "targets";
  /** The function's entry; another checkout's index.ts compares two commits. */
  readonly functionEntry: string;
  readonly jsonFile: string | undefined;
  readonly pictureFile: string | undefined;
}

export const USAGE = `deno task bench [options]
  --only ${CASE_NAMES.join(",")}
                             cases to run (default: all)
  --rounds N                 measured rounds, 1 to 50 (default: 7)
  --deno 2.9.6,2.1.4         Deno versions of the measured processes (default: both)
  --peers all|targets        measure every peer, or only those with a target (default: all)
  --function FILE            entry of the function to measure (default: supabase/functions/realtime/index.ts)
  --json FILE                write every sample and figure as JSON, for \`deno task bench:compare\`
  --svg FILE                 draw the figures that have a target, beside their peers`;

const DEFAULT_ENTRY = new URL("../../supabase/functions/realtime/index.ts", import.meta.url).pathname;

/**
 * Reads the command line.
 *
 * @throws {Error} on an unknown option, case, version or a count out of bounds.
 */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string", default: CASE_NAMES.join(",") },
      rounds: { type: "string", default: "7" },
      deno: { type: "string", default: "2.9.6,2.1.4" },
      peers: { type: "string", default: "all" },
      function: { type: "string", default: DEFAULT_ENTRY },
      json: { type: "string" },
      svg: { type: "string" },
    },
  });
  const wanted = values.only.split(",");
  for (const name of wanted) {
    if (!CASE_NAMES.some((known) => known === name)) throw new Error(`unknown case: ${name}`);
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) throw new Error("--rounds takes 1 to 50");
  const denoVersions = values.deno.split(",");
  for (const version of denoVersions) {
    if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`not a Deno version: ${version}`);
  }
  const { peers } = values;
  if (peers !== "all" && peers !== "targets") throw new Error("--peers takes all or targets");
  return {
    only: CASE_NAMES.filter((name) => wanted.includes(name)),
    rounds,
    denoVersions,
    peers,
    functionEntry: Deno.realPathSync(values.function),
    jsonFile: values.json,
    pictureFile: values.svg,
  };
}
