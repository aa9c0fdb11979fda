/**
 * `deno task bench`: measures every performance figure beside its peer's, in the same run. See
 * docs/bench.md.
 * @module
 */
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { killAllChildren } from "../support/processes/child_lines.ts";
import { resolveDeno } from "../support/processes/deno_binary.ts";
import { type Options, parseOptions, usageText } from "./bench_options.ts";
import { benchBoot } from "./cases/boot.ts";
import { benchConnect } from "./cases/connect.ts";
import type { BenchCase } from "./cases/context.ts";
import { benchCursors } from "./cases/cursors.ts";
import { benchDelivery } from "./cases/delivery.ts";
import { benchDurable } from "./cases/durable.ts";
import { benchEcho } from "./cases/echo.ts";
import { benchFanOut } from "./cases/fan_out.ts";
import { benchHosted } from "./cases/hosted.ts";
import { benchKilled } from "./cases/killed.ts";
import { benchMembers } from "./cases/members.ts";
import { benchSql } from "./cases/sql.ts";
import { installNpmPeers, type NpmPeers } from "./harness/npm_peers.ts";
import { prepareProgram } from "./harness/program.ts";
import { type Line, toLine } from "./report/line.ts";
import { describeCommit, describeMachine, saveResults } from "./report/results.ts";
import { runTable } from "./report/tables.ts";

/** Cases in the order of execution. */
const CASES = new Map<string, BenchCase>([
  ["echo", benchEcho],
  ["connect", benchConnect],
  ["boot", benchBoot],
  ["fanout", benchFanOut],
  ["members", benchMembers],
  ["delivery", benchDelivery],
  ["durable", benchDurable],
  ["killed", benchKilled],
  ["hosted", benchHosted],
  ["cursors", benchCursors],
  ["sql", benchSql],
]);

const UNLIMITED = "1000000";
/** Variables of the function: higher limits than one load generator can reach. */
const ENV = {
  HOST: "127.0.0.1",
  PORT: "0",
  SUPABASE_URL: "http://127.0.0.1:1",
  MAX_CONNECTIONS: "100000",
  MAX_CONNECTIONS_PER_USER: "100000",
  ADMIT_BELOW_MB: UNLIMITED,
  MAX_MEMBERS_PER_ROOM: UNLIMITED,
  FRAMES_PER_SECOND: UNLIMITED,
  FRAMES_BURST: UNLIMITED,
  JOINS_PER_SECOND: UNLIMITED,
  JOINS_BURST: UNLIMITED,
  ISOLATE_JOINS_PER_SECOND: UNLIMITED,
  USER_REQUESTS_PER_SECOND: UNLIMITED,
  // Members stay silent while the other sides are measured, which takes minutes on a busy machine.
  HEARTBEAT_MS: "140000",
};

function readOptions(): Options {
  const names = [...CASES.keys()];
  try {
    const options = parseOptions(Deno.args, names);
    // A directory that cannot be made would lose the results of an hour.
    if (options.save !== undefined) Deno.mkdirSync(options.save, { recursive: true });
    return options;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usageText(names)}`);
    Deno.exit(2);
  }
}

/** Measures each case on each version of Deno. */
async function measure(options: Options, directory: string): Promise<Map<string, Line[]>> {
  const { rounds, hasAllPeers, functionEntry: entry } = options;
  const issuer = await createIssuer();
  const ours = { name: "ours", entry, env: { ...ENV, SUPABASE_JWKS: JSON.stringify(issuer.jwks) } };
  let installed: Promise<NpmPeers> | undefined;
  const measured = new Map<string, Line[]>();
  for (const version of options.denoVersions) {
    const deno = await resolveDeno(version);
    for (const name of options.only) {
      const figures = await CASES.get(name)?.({
        deno,
        rounds,
        hasAllPeers,
        issuer,
        ours,
        prepare: (program) => prepareProgram(program, deno, directory),
        npmPeers: () => installed ??= installNpmPeers(`${directory}/npm`),
        progress: (text) => console.error(`${name}, Deno ${version}: ${text}`),
      }) ?? [];
      const lines = figures.map((figure) => toLine(version, figure));
      measured.set(name, [...measured.get(name) ?? [], ...lines]);
    }
  }
  return measured;
}

const options = readOptions();
const directory = await Deno.makeTempDir({ prefix: "realtime-bench-" });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    killAllChildren();
    Deno.removeSync(directory, { recursive: true });
    Deno.exit(130);
  });
}
try {
  const run = {
    measured: new Date().toISOString(),
    machine: describeMachine(),
    commit: await describeCommit(options.functionEntry),
    rounds: options.rounds,
  };
  const measured = await measure(options, directory);
  const results = [...measured].map(([name, lines]) => ({ case: name, ...run, lines }));
  console.log(`${run.machine}, ${run.measured}, commit ${run.commit}, ${run.rounds} rounds\n`);
  console.log(runTable(results));
  if (options.save !== undefined) await saveResults(options.save, results);
} finally {
  killAllChildren();
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(0); // the signal listeners would keep the process
