import { HOSTED_DENO } from "../../support/isolates/host.ts";
import { issueTokens } from "../harness/tokens.ts";
import { fillByMemory, type MemoryCapacity } from "../hosted/join_capacity.ts";
import { HostedLoad } from "../hosted/hosted_load.ts";
import type { Line } from "../report.ts";
import type { CaseContext } from "./context.ts";
import { hostedLines } from "./hosted_lines.ts";
import { type HostedRound, measureQuiet, measureRound } from "./hosted_round.ts";

/** Limited, because a round takes more than a minute. */
const MAX_ROUNDS = 3;
/**
 * Below the MAX_CONNECTIONS of 10,000: the host's front needs two file descriptors per member, and
 * processes often have 20,000.
 */
const OFFERED_MEMBERS = 9_000;

/**
 * Measures the capacity of a hosted isolate with 2 s of CPU and 256 MB: the life of active rooms,
 * the cost of quiet rooms, and the number of members.
 */
export async function benchHosted(context: CaseContext): Promise<Line[]> {
  if (context.deno.version !== HOSTED_DENO) {
    context.progress(`left out: the hosted runtime is ${HOSTED_DENO}`);
    return [];
  }
  const tokens = await issueTokens(context.issuer, OFFERED_MEMBERS);
  await using load = await HostedLoad.start();
  const count = Math.min(context.rounds, MAX_ROUNDS);
  const quiet = await measureQuiet(context, tokens, count);
  const rounds: HostedRound[] = [];
  for (const [at, ofRound] of quiet.entries()) {
    rounds.push({ ...await measureRound(context, load, { tokens, seed: at + 1 }), quiet: ofRound });
  }
  const memory = await fillByMemory(context, load, tokens);
  context.progress(describeMemory(memory));
  return hostedLines(rounds, memory, context.deno.version);
}

function describeMemory({ members, memoryBytes, endedBy, refused }: MemoryCapacity): string {
  const text = `${members} members in ${(memoryBytes / 1_048_576).toFixed(0)} MiB without a limit of CPU`;
  switch (endedBy) {
    case "admission":
      return `${text}, then ${refused} were refused`;
    case "warning":
      return `${text}, then the host warned`;
    case "offered":
      return `${text}: all that were offered`;
  }
}
