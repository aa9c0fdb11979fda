import { deadline } from "@std/async";
import { z } from "zod";
import { type BackplaneName, BACKPLANES } from "../../support/backplane_store.ts";
import { ChildLines } from "../../support/processes/child_lines.ts";
import { projectCommand } from "../../support/processes/deno_command.ts";
import { type Line, toLine } from "../report/line.ts";
import type { CaseContext } from "./context.ts";

const MEMBERS = 1_000;
const AWAY_TARGET_MS = 5_000;
/** Duration of publishing; the kill comes half way. */
const MINUTES = 0.25;
/**
 * Time that counts as the absence of a member that did not reconnect: the soak's limit for catching
 * up.
 */
const NEVER_BACK_MS = 60_000;
/** Share of members that report. The others are in a process that vanishes at the end. */
const REPORTING_SHARE = 0.95;
/** Limited, because a round takes half a minute and yields a thousand absences. */
const MAX_ROUNDS = 3;

/**
 * Measures the recovery of a thousand members after their isolate is killed without a warning: runs
 * `deno task soak --scenario kill1000` as a process.
 */
export async function benchKilled(context: CaseContext): Promise<Line[]> {
  const lines: Line[] = [];
  for (const store of BACKPLANES) {
    const outcomes: KillOutcome[] = [];
    for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
      const outcome = await measureRound(context, store, round);
      outcomes.push(outcome);
      const { away, verdict: { lost, twice } } = outcome;
      context.progress(
        `${store}, round ${round}: ${away.count} were away, at worst ${worstAwayMs(outcome).toFixed()} ms; ` +
          `lost ${lost.count}, twice ${twice.count} of ${outcome.delivered}`,
      );
      const first = lost.first ?? twice.first;
      if (first !== null) context.progress(`first evidence: ${first}`);
    }
    lines.push(...linesOf(context, store, outcomes));
  }
  return lines;
}

/** Part of the soak's JSON that the case reads. */
const breach = z.object({ count: z.number(), first: z.string().nullable() });
const soakOutcome = z.object({
  verdict: z.object({ lost: breach, twice: breach }),
  delivered: z.number(),
  away: z.object({ count: z.number(), p50: z.number(), worst: z.number() }),
  reconnectsAtPeak: z.number(),
});
const soakReport = z.object({ outcomes: z.tuple([soakOutcome]) });
type KillOutcome = z.infer<typeof soakOutcome>;

const SOAK = new URL("../../soak/main.ts", import.meta.url);
const ROUND_TIMEOUT_MS = 600_000;
/** Exit statuses of a complete soak: promises kept, and one broken. */
const COMPLETE = [0, 1];

async function measureRound(
  { deno, ours }: CaseContext,
  store: BackplaneName,
  round: number,
): Promise<KillOutcome> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const command = projectCommand(SOAK, [
      ...["--scenario", "kill1000", "--clients", String(MEMBERS), "--minutes", String(MINUTES)],
      ...["--function", ours.entry, "--deno", deno.path, "--seed", String(round)],
      ...["--backplane", store, "--json", json],
    ]);
    await using soak = new ChildLines(command, { name: "The soak" });
    const { code } = await deadline(soak.ended, ROUND_TIMEOUT_MS);
    if (!COMPLETE.includes(code)) throw soak.failure(`ended with ${code}`);
    return soakReport.parse(JSON.parse(await Deno.readTextFile(json))).outcomes[0];
  } finally {
    await Deno.remove(json);
  }
}

function worstAwayMs({ away }: KillOutcome): number {
  return away.count < MEMBERS * REPORTING_SHARE ? NEVER_BACK_MS : away.worst;
}

function linesOf({ deno }: CaseContext, store: BackplaneName, outcomes: readonly KillOutcome[]): Line[] {
  const common = { case: "killed", deno: deno.version, everyRound: true };
  return [
    toLine({
      ...common,
      figure: `${store}, longest absence of ${MEMBERS} members after the kill`,
      unit: "ms",
      ours: outcomes.map(worstAwayMs),
      peerName: "what is allowed",
      peer: outcomes.map(() => AWAY_TARGET_MS),
      target: 1,
      details: {
        "median absence, ms": outcomes.map(({ away }) => away.p50),
        "reconnects in the fullest second": outcomes.map(({ reconnectsAtPeak }) => reconnectsAtPeak),
      },
    }),
    toLine({
      ...common,
      figure: `${store}, messages lost or delivered twice`,
      unit: "messages",
      ours: outcomes.map(({ verdict }) => verdict.lost.count + verdict.twice.count),
      peerName: "deliveries",
      peer: outcomes.map(({ delivered }) => delivered),
      target: 0,
    }),
  ];
}
