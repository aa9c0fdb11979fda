import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { startServer } from "../harness/program.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { ask, measureCost } from "./measured_load.ts";
import type { Peer, PeerFigures } from "./peers.ts";

const CONCURRENCY = 10;
const WARM_UP_MESSAGES = 300;
const MESSAGES = 600;

/**
 * Measures the processor time of one message and its echo for each informational peer, in
 * microseconds, by label.
 * Measures one peer after the other, each on a new server with one socket per token, after a
 * warm-up.
 */
export async function measureEchoPeers(
  peers: readonly Peer[],
  load: JobProcess,
  tokens: readonly string[],
): Promise<PeerFigures> {
  const micros = new Map<string, number>();
  for (const peer of peers) micros.set(peer.label, await measurePeer(peer, load, tokens));
  return micros;
}

async function measurePeer(peer: Peer, load: JobProcess, tokens: readonly string[]): Promise<number> {
  await using server = await startServer(peer.program);
  const clock = new CpuClock(server.pid);
  const group = peer.label;
  const urls = tokens.map((token) => peer.url(server, { token, room: "" }));
  await ask(load, { type: "open", group, concurrency: CONCURRENCY, urls, dialect: peer.dialect });
  await ask(load, { type: "echo", group, messagesPerSocket: WARM_UP_MESSAGES });
  const { cpuMicros } = await measureCost(
    clock,
    () => ask(load, { type: "echo", group, messagesPerSocket: MESSAGES }),
  );
  await ask(load, { type: "close", group });
  return cpuMicros / (tokens.length * MESSAGES);
}
