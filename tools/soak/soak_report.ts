import { drawHistogram } from "../support/durations.ts";
import { type PromiseName, PROMISES } from "./ledger.ts";
import type { SoakOutcome } from "./outcome.ts";

/** Of a logged line, so many characters are shown; the JSON has all. */
const LONGEST_LINE = 400;

/** What a run has brought, as text: promises first, then figures, a histogram, and the first evidence of each breach. */
export function describeOutcome(outcome: SoakOutcome): string {
  const { backplane, seed, verdict, isKept, away, census, disturbances, gaps } = outcome;
  const names = Object.keys(PROMISES) as PromiseName[];
  const promises = names.map((name) => row(PROMISES[name], String(verdict[name].count)));
  const breaches = names.flatMap((name) => {
    const { first } = verdict[name];
    return first === null ? [] : [`  ${PROMISES[name]}: ${first}`];
  });
  const lines = Object.values(census.firstLines).map((line) => `  ${line.slice(0, LONGEST_LINE)}`);
  return [
    `${isKept ? "KEPT" : "BROKEN"}  ${backplane}, seed ${seed}`,
    "",
    ...promises,
    "",
    row("clients", String(outcome.clients)),
    row("published / delivered", `${outcome.published} / ${outcome.delivered}`),
    row("gaps that the server reported", `${gaps.count}, ${gaps.offsets} messages`),
    row("times away / reconnects a second at the peak", `${away.count} / ${outcome.reconnectsAtPeak}`),
    row("away: median / 99 % / worst", `${ms(away.p50)} / ${ms(away.p99)} / ${ms(away.worst)}`),
    row(
      "caught up / everybody present after the end",
      `${ms(outcome.caughtUpMs)} / ${ms(outcome.presentMs)}`,
    ),
    row("why connections broke", counts(outcome.reasons)),
    row("errors that clients got over", counts(outcome.errors)),
    row("isolates started / ended", `${census.booted} / ${counts(census.ended)}`),
    row("what the function logged", counts(census.logged)),
    row(
      "killed / cut connections",
      `${disturbances.kills} / ${disturbances.connectionsCut} in ${disturbances.cuts} cuts`,
    ),
    "",
    "time away:",
    ...drawHistogram(outcome.awayMs),
    ...(lines.length > 0 ? ["", "the first of each event that the function logged:", ...lines] : []),
    ...(breaches.length > 0 ? ["", "first evidence:", ...breaches] : []),
  ].join("\n");
}

function row(name: string, value: string): string {
  return `${name.padEnd(58)}${value}`;
}

function ms(value: number | null): string {
  return value === null ? "never" : `${value.toFixed()} ms`;
}

function counts(of: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(of).sort(([, one], [, other]) => other - one);
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
