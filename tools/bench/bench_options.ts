import { parseArgs } from "node:util";
import { parseWhole } from "../support/quantities.ts";

/** Options of the command line. */
export interface Options {
  readonly only: readonly string[];
  /** Measured rounds of a case; in a round of `boot` each side starts four times. */
  readonly rounds: number;
  readonly denoVersions: readonly string[];
  /** True to measure peers without a target too: Hono's helper, Bun and Socket.IO. */
  readonly hasAllPeers: boolean;
  /** Entry of the function; the index.ts of another checkout compares two commits. */
  readonly functionEntry: string;
  /** Directory for the results. */
  readonly save: string | undefined;
}

const DEFAULT_ENTRY = new URL("../../supabase/functions/realtime/index.ts", import.meta.url).pathname;

/** Text about the options. */
export function usageText(cases: readonly string[]): string {
  return `deno task bench [options]
  --only ${cases.join(",")}
                             cases to run (default: all)
  --rounds N                 number of measured rounds, 1 to 50 (default: 7)
  --deno 2.9.6,2.1.4         Deno versions of the measured processes (default: both)
  --peers all|targets        peers to measure: every one, or only peers with a target (default: all)
  --function FILE            entry of the function to measure (default: supabase/functions/realtime/index.ts)
  --save DIRECTORY           write each case's results to DIRECTORY/<case>.json, for \`deno task bench:compare\` and,
                             in tools/bench/results, for \`deno task docs\``;
}

/**
 * Parses the command line.
 * @throws {Error} for an unknown option, case or version, and for a count out of bounds
 */
export function parseOptions(args: string[], cases: readonly string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string", default: cases.join(",") },
      rounds: { type: "string", default: "7" },
      deno: { type: "string", default: "2.9.6,2.1.4" },
      peers: { type: "string", default: "all" },
      function: { type: "string", default: DEFAULT_ENTRY },
      save: { type: "string" },
    },
  });
  if (values.save === "") throw new Error("--save takes a directory, not nothing.");
  const only = parseList("--only", values.only, (name) => cases.includes(name));
  const [peers] = parseList("--peers", values.peers, (text) => text === "all" || text === "targets");
  return {
    only: cases.filter((name) => only.includes(name)),
    rounds: parseWhole("--rounds", values.rounds, 1, 50),
    denoVersions: parseList("--deno", values.deno, (text) => /^\d+\.\d+\.\d+$/.test(text)),
    hasAllPeers: peers === "all",
    functionEntry: Deno.realPathSync(values.function),
    save: values.save,
  };
}

function parseList(option: string, text: string, isAllowed: (item: string) => boolean): string[] {
  const items = text.split(",");
  const wrong = items.find((item) => !isAllowed(item));
  if (wrong !== undefined) throw new Error(`${option} does not take ${wrong}.`);
  return items;
}
