import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { type PreparedProgram, type RunningServer, startServer } from "../harness/program.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { CONNECTS_PER_TURN, measureConnects } from "./connect_sockets.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { type Cost, echoUrl, sumCosts } from "./measured_load.ts";
import { type PeerFigures, prepareInformationalPeers } from "./peers.ts";

/** Same number as for the sides with a target. */
const WARM_UP_TURNS = 3;
const TURNS = 2;
const CONNECTS = TURNS * CONNECTS_PER_TURN;

/** Informational peer of a connect. */
export interface ConnectPeer {
  /** Name in a line. */
  readonly label: string;
  /** Comparable side of ours: it verifies a new token, or has nothing to verify. */
  readonly beside: "fresh" | "repeated";
  readonly start: () => Promise<RunningServer>;
  readonly url: (server: RunningServer, token: string) => string;
}

/**
 * Prepares the informational peers: three that check nothing, one that verifies, and the
 * documentation's example, which sends every token to Auth.
 */
export async function prepareConnectPeers(context: CaseContext): Promise<readonly ConnectPeer[]> {
  if (context.peers === "targets") return [];
  const checkNothing = await prepareInformationalPeers(context, "echo", ["hono", "ws", "bun"]);
  const example = await context.prepare(benchProgram("example", "peers/documentation_example.ts"));
  const auth = await context.prepare(benchProgram("auth", "peers/auth_server.ts"));
  const verifying = await context.prepare(
    benchProgram("verifying", "peers/verifying_echo.ts", { SUPABASE_JWKS: context.issuer.jwks }),
  );
  return [
    {
      label: "raw Deno that verifies",
      beside: "fresh",
      start: () => startServer(verifying),
      url: echoUrl,
    },
    {
      label: "documentation's example",
      beside: "fresh",
      start: () => startExample(example, auth),
      url: ({ port }, token) => `ws://127.0.0.1:${port}/realtime/echo?jwt=${token}`,
    },
    ...checkNothing.map((peer): ConnectPeer => ({
      label: peer.label,
      beside: "repeated",
      start: () => startServer(peer.program),
      url: (server, token) => peer.url(server, { token, room: "" }),
    })),
  ];
}

/**
 * Starts the example and a process that imitates Auth on loopback. The figure excludes the CPU of
 * that process.
 */
async function startExample(example: PreparedProgram, auth: PreparedProgram): Promise<RunningServer> {
  const stack = new AsyncDisposableStack();
  try {
    const { port } = stack.use(await startServer(auth));
    const env = {
      ...example.command.env,
      SUPABASE_URL: `http://127.0.0.1:${port}`,
      SUPABASE_PUBLISHABLE_KEY: "sb_publishable_bench",
    };
    const server = stack.use(await startServer({ ...example, command: { ...example.command, env } }));
    const dispose = () => stack.disposeAsync();
    return { pid: server.pid, port: server.port, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/**
 * Measures the processor time of one connect to each peer, in microseconds, by label.
 * Measures one peer after the other, each on a new server after a warm-up. `tokens` holds
 * `CONNECTS_PER_TURN` tokens.
 */
export async function measureConnectPeers(
  peers: readonly ConnectPeer[],
  load: JobProcess,
  tokens: readonly string[],
): Promise<PeerFigures> {
  const micros = new Map<string, number>();
  for (const peer of peers) {
    micros.set(peer.label, (await measurePeer(peer, load, tokens)).cpuMicros / CONNECTS);
  }
  return micros;
}

async function measurePeer(
  { label, start, url }: ConnectPeer,
  load: JobProcess,
  tokens: readonly string[],
): Promise<Cost> {
  await using server = await start();
  const clock = new CpuClock(server.pid);
  const urls = tokens.map((token) => url(server, token));
  const costs: Cost[] = [];
  for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
    const cost = await measureConnects(load, clock, { group: label, urls });
    if (turn >= 0) costs.push(cost);
  }
  return sumCosts(costs);
}
