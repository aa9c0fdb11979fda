/**
 * `deno task bench`: every performance figure beside its peer's, from the same run. See docs/performance.md.
 *
 * @module
 */
import { benchBoot } from "./cases/boot.ts";
import { benchConnect } from "./cases/connect.ts";
import type { CaseContext } from "./cases/context.ts";
import { benchDelivery } from "./cases/delivery.ts";
import { benchDurable } from "./cases/durable.ts";
import { benchEcho } from "./cases/echo.ts";
import { benchFanOut } from "./cases/fan_out.ts";
import { benchIsolates } from "./cases/isolates.ts";
import { benchJoin } from "./cases/join.ts";
import { benchMembers } from "./cases/members.ts";
import { killAllChildren } from "./harness/child.ts";
import { resolveDeno } from "./harness/deno_binary.ts";
import { installNpmPeers, type NpmPeers } from "./harness/npm_peers.ts";
import { prepareProgram } from "./harness/program.ts";
import { createTokenIssuer } from "./harness/tokens.ts";
import { describeMachine } from "./machine.ts";
import { type CaseName, type Options, parseOptions, USAGE } from "./options.ts";
import { formatTable, type Line } from "./report.ts";

const CASES: Record<CaseName, (context: CaseContext) => Promise<Line[]>> = {
  echo: benchEcho,
  connect: benchConnect,
  boot: benchBoot,
  fanout: benchFanOut,
  members: benchMembers,
  join: benchJoin,
  delivery: benchDelivery,
  durable: benchDurable,
  isolates: benchIsolates,
};

function readOptions(): Options {
  try {
    return parseOptions(Deno.args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    Deno.exit(2);
  }
}

async function measure(options: Options, directory: string): Promise<Line[]> {
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
      MAX_MEMBERS_PER_ROOM: "1000000",
      FRAMES_PER_SECOND: "1000000",
      FRAMES_BURST: "1000000",
    },
  };
  let installed: Promise<NpmPeers> | undefined;
  const lines: Line[] = [];
  for (const version of options.denoVersions) {
    const deno = await resolveDeno(version);
    for (const name of options.only) {
      const progress = (text: string): void => console.error(`${name}, Deno ${version}: ${text}`);
      const context: CaseContext = {
        deno,
        rounds: options.rounds,
        issuer,
        ours,
        prepare: async (program, other) =>
          prepareProgram(program, other === undefined ? deno : await resolveDeno(other), directory),
        npmPeers: () => installed ??= installNpmPeers(`${directory}/npm`),
        progress,
      };
      lines.push(...await CASES[name](context));
    }
  }
  return lines;
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
  const lines = await measure(options, directory);
  const machine = describeMachine();
  console.log(`${machine.processor}, ${machine.cores} cores, ${startedAt}, ${options.rounds} rounds\n`);
  console.log(formatTable(lines));
  if (options.jsonFile !== undefined) {
    const report = {
      startedAt,
      machine,
      loadBefore,
      loadAfter: Deno.loadavg(),
      rounds: options.rounds,
      lines,
    };
    await Deno.writeTextFile(options.jsonFile, JSON.stringify(report, null, 2) + "\n");
  }
} finally {
  killAllChildren();
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(0); // the signal listeners would keep the process
