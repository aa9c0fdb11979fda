import { parseArgs } from "node:util";

/** Case names, in the order of execution. */
const CASE_NAMES = [
  "echo",
  "connect",
  "boot",
  "fanout",
  "members",
  "delivery",
  "durable",
  "killed",
  "hosted",
  "cursors",
] as const;
export type CaseName = (typeof CASE_NAMES)[number];

/** Options of the command line. */
export interface Options {
  readonly only: readonly CaseName[];
  /** Measured rounds of a case; in a round of `boot` each side starts four times. */
  readonly rounds: number;
  readonly denoVersions: readonly string[];
  /** `all` also measures Hono's helper, Bun and Socket.IO. */
  readonly peers: "all" | "targets";
  /** Entry of the function; the index.ts of another checkout compares two commits. */
  readonly functionEntry: string;
  /** Directory for the results. */
  readonly save: string | undefined;
}

export const USAGE = `deno task bench [options]
  --only ${CASE_NAMES.join(",")}
                             cases to run (default: all)
  --rounds N                 number of measured rounds, 1 to 50 (default: 7)
  --deno 2.9.6,2.1.4         Deno versions of the measured processes (default: both)
  --peers all|targets        peers to measure: every one, or only peers with a target (default: all)
  --function FILE            entry of the function to measure (default: supabase/functions/realtime/index.ts)
  --save DIRECTORY           write each case's results to DIRECTORY/<case>.json, for \`deno task bench:compare\` and,
                             in tools/bench/results, for \`deno task docs\``;

const DEFAULT_ENTRY = new URL("../../supabase/functions/realtime/index.ts", import.meta.url).pathname;

/**
 * Parses the command line.
 * @throws {Error} for an unknown option, case or version, and for a count out of bounds
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
      save: { type: "string" },
    },
  });
  const wanted = values.only.split(",");
  requireAll("--only", wanted, CASE_NAMES.join(", "), (name) => CASE_NAMES.some((known) => known === name));
  requireAll("--rounds", [values.rounds], "1 to 50", (text) => /^([1-9]|[1-4]\d|50)$/.test(text));
  const denoVersions = values.deno.split(",");
  requireAll("--deno", denoVersions, "versions such as 2.9.6", (text) => /^\d+\.\d+\.\d+$/.test(text));
  requireAll("--peers", [values.peers], "all or targets", (text) => text === "all" || text === "targets");
  return {
    only: CASE_NAMES.filter((name) => wanted.includes(name)),
    rounds: Number(values.rounds),
    denoVersions,
    peers: values.peers === "all" ? "all" : "targets",
    functionEntry: Deno.realPathSync(values.function),
    save: values.save,
  };
}

function requireAll(
  option: string,
  texts: readonly string[],
  allowed: string,
  isAllowed: (text: string) => boolean,
): void {
  const wrong = texts.find((text) => !isAllowed(text));
  if (wrong !== undefined) throw new Error(`${option} takes ${allowed}, not ${wrong}`);
}
