/**
 * `deno task bench`: measures every performance figure beside its peer's, in the same run. See
 * docs/bench.md.
 * @module
 */
import { benchBoot } from "./cases/start_time.ts";
import { benchConnect } from "./cases/connect_cpu.ts";
import type { CaseContext } from "./cases/context.ts";
import { benchDelivery } from "./cases/delivery_latency.ts";
import { benchDurable } from "./cases/publish_throughput.ts";
import { benchEcho } from "./cases/echo_cpu.ts";
import { benchFanOut } from "./cases/fan_out_cpu.ts";
import { benchHosted } from "./cases/hosted_capacity.ts";
import { benchMembers } from "./cases/member_memory.ts";
import { benchKilled } from "./cases/kill_recovery.ts";
import { type LoadLine, LoadUsageRecorder } from "./cases/load_usage.ts";
import { killAllChildren } from "../support/processes/child_lines.ts";
import { resolveDeno } from "../support/processes/deno_binary.ts";
import { installNpmPeers, type NpmPeers } from "./harness/npm_peers.ts";
import { prepareProgram } from "./harness/program.ts";
import { createTokenIssuer } from "./harness/tokens.ts";
import { describeLoad } from "./load_report.ts";
import { describeMachine, describeOrigin } from "./machine.ts";
import { type CaseName, type Options, parseOptions, USAGE } from "./bench_options.ts";
import { formatTable, type Line } from "./report.ts";
import { writeRunReport } from "./report_file.ts";

const CASES: Record<CaseName, (context: CaseContext) => Promise<Line[]>> = {
  echo: benchEcho,
  connect: benchConnect,
  boot: benchBoot,
  fanout: benchFanOut,
  members: benchMembers,
  delivery: benchDelivery,
  durable: benchDurable,
  killed: benchKilled,
  hosted: benchHosted,
};

function readOptions(): Options {
  try {
    return parseOptions(Deno.args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    Deno.exit(2);
  }
}

async function measure(options: Options, directory: string): Promise<{ lines: Line[]; load: LoadLine[] }> {
  const issuer = await createTokenIssuer();
  const ours = {
    name: "ours",
    entry: options.functionEntry,
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      SUPABASE_URL: "http://127.0.0.1:1",
      SUPABASE_JWKS: issuer.jwks,
      MAX_CONNECTIONS: "100000",
      MAX_CONNECTIONS_PER_USER: "100000",
      ADMIT_BELOW_MB: "1000000",
      MAX_MEMBERS_PER_ROOM: "1000000",
      FRAMES_PER_SECOND: "1000000",
      FRAMES_BURST: "1000000",
      JOINS_PER_SECOND: "1000000",
      JOINS_BURST: "1000000",
      ISOLATE_JOINS_PER_SECOND: "1000000",
      USER_REQUESTS_PER_SECOND: "1000000",
      // Members stay silent while the other sides are measured, which takes minutes on a busy
      // machine.
      HEARTBEAT_MS: "140000",
    },
  };
  let installed: Promise<NpmPeers> | undefined;
  const lines: Line[] = [];
  const load: LoadLine[] = [];
  for (const version of options.denoVersions) {
    const deno = await resolveDeno(version);
    for (const name of options.only) {
      const progress = (text: string): void => console.error(`${name}, Deno ${version}: ${text}`);
      const context: CaseContext = {
        deno,
        rounds: options.rounds,
        peers: options.peers,
        issuer,
        ours,
        prepare: async (program, other) =>
          prepareProgram(program, other === undefined ? deno : await resolveDeno(other), directory),
        npmPeers: () => installed ??= installNpmPeers(`${directory}/npm`),
        progress,
      };
      const usage = new LoadUsageRecorder();
      lines.push(...await usage.during(() => CASES[name](context)));
      load.push(...usage.lines({ case: name, deno: version }));
    }
  }
  return { lines, load };
}

const options = readOptions();
const startedAt = new Date().toISOString();
const loadBefore = Deno.loadavg();
const directory = await Deno.makeTempDir({ prefix: "realtime-bench-" });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    killAllChildren();
    Deno.removeSync(directory, { recursive: true });
    Deno.exit(130);
  });
}
try {
  const origin = {
    measured: await describeOrigin(options.functionEntry),
    bench: await describeOrigin(new URL(import.meta.url).pathname),
  };
  const { lines, load } = await measure(options, directory);
  const machine = describeMachine();
  console.log(`${machine.processor}, ${machine.cores} cores, ${startedAt}, ${options.rounds} rounds\n`);
  console.log(`${formatTable(lines)}\n\n${describeLoad(load)}`);
  const report = {
    startedAt,
    machine,
    ...origin,
    denoVersions: options.denoVersions,
    cases: options.only,
    rounds: options.rounds,
    loadBefore,
    loadAfter: Deno.loadavg(),
    lines,
    load,
  };
  if (options.jsonFile !== undefined) await writeRunReport(options.jsonFile, report);
} finally {
  killAllChildren();
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(0); // the signal listeners would keep the process
