import { deadline } from "@std/async";
import { z } from "zod";
import { type BackplaneName, BACKPLANES } from "../../support/backplane_store.ts";
import { ChildLines } from "../../support/processes/child_lines.ts";
import { projectCommand } from "../../support/processes/deno_command.ts";
import type { Measured } from "../report/line.ts";
import type { CaseContext } from "./context.ts";

const SOAK = new URL("../../soak/main.ts", import.meta.url);
const MEMBERS = 1_000;
/** Members that report at least. The others are in a process that vanishes at the end. */
const REPORTING_MEMBERS = 950;
const AWAY_TARGET_MS = 5_000;
/** Absence of a member that did not reconnect: the soak's limit for catching up. */
const NEVER_BACK_MS = 60_000;
/** Duration of publishing; the kill comes half way. */
const MINUTES = 0.25;
/** Limited, because a round takes half a minute and yields a thousand absences. */
const MAX_ROUNDS = 3;
const ROUND_TIMEOUT_MS = 600_000;
/** Exit statuses of a complete soak: promises kept, and one broken. */
const COMPLETE = [0, 1];

/** Part of the soak's JSON that the case reads. */
const breach = z.object({ count: z.number(), first: z.string().nullable() });
const soakOutcome = z.object({
  verdict: z.object({ lost: breach, twice: breach }),
  delivered: z.number(),
  away: z.object({ count: z.number(), worst: z.number() }),
});
const soakReport = z.object({ outcomes: z.tuple([soakOutcome]) });

/** Result of one kill. */
interface Recovery {
  readonly worstAwayMs: number;
  /** Messages lost or delivered twice. */
  readonly broken: number;
  readonly delivered: number;
}

/**
 * Measures the recovery of a thousand members after their isolate is killed without a warning: runs
 * `deno task soak --scenario kill1000` as a process.
 */
export async function benchKilled(context: CaseContext): Promise<Measured[]> {
  const figures: Measured[] = [];
  for (const store of BACKPLANES) {
    const rounds: Recovery[] = [];
    for (let round = 1; round <= Math.min(context.rounds, MAX_ROUNDS); round++) {
      rounds.push(await measureRound(context, store, round));
    }
    figures.push({
      figure: `${store}, longest absence of ${MEMBERS} members after the kill`,
      unit: "ms",
      ours: rounds.map(({ worstAwayMs }) => worstAwayMs),
      peerName: "what is allowed",
      peer: rounds.map(() => AWAY_TARGET_MS),
      target: 1,
      everyRound: true,
    }, {
      figure: `${store}, messages lost or delivered twice`,
      unit: "messages",
      ours: rounds.map(({ broken }) => broken),
      peerName: "deliveries",
      peer: rounds.map(({ delivered }) => delivered),
      target: 0,
      everyRound: true,
    });
  }
  return figures;
}

async function measureRound(context: CaseContext, store: BackplaneName, round: number): Promise<Recovery> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const command = projectCommand(SOAK, [
      ...["--scenario", "kill1000", "--clients", String(MEMBERS), "--minutes", String(MINUTES)],
      ...["--function", context.ours.entry, "--deno", context.deno.path, "--seed", String(round)],
      ...["--backplane", store, "--json", json],
    ]);
    await using soak = new ChildLines(command, { name: "The soak" });
    const { code } = await deadline(soak.ended, ROUND_TIMEOUT_MS);
    const text = await Deno.readTextFile(json);
    if (!COMPLETE.includes(code) || text === "") throw soak.failure(`ended with ${code}`);
    const { verdict: { lost, twice }, away, delivered } = soakReport.parse(JSON.parse(text)).outcomes[0];
    context.progress(
      `${store}, round ${round}: ${away.count} were away, at worst ${away.worst.toFixed()} ms; ` +
        `lost ${lost.count}, twice ${twice.count} of ${delivered} ${lost.first ?? twice.first ?? ""}`,
    );
    const worstAwayMs = away.count < REPORTING_MEMBERS ? NEVER_BACK_MS : away.worst;
    return { worstAwayMs, broken: lost.count + twice.count, delivered };
  } finally {
    await Deno.remove(json);
  }
}
