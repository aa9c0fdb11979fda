import { drawHistogram } from "../support/durations.ts";
import { type PromiseName, PROMISES } from "./ledger.ts";
import type { SoakOutcome } from "./outcome.ts";

/** Maximum length of a shown log line, in characters; the JSON has the full line. */
const LONGEST_LINE = 400;

/** Formats a run: promises, figures, a histogram, and the first evidence of each breach. */
export function describeOutcome(outcome: SoakOutcome): string {
  const { backplane, seed, verdict, isKept, away, census, injectedFaults, gaps } = outcome;
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
    row(
      "clients / joined rooms / sockets",
      `${outcome.clients} / ${outcome.memberships} / ${outcome.sockets}`,
    ),
    row("published / delivered", `${outcome.published} / ${outcome.delivered}`),
    row("gaps reported by the server", `${gaps.count}, ${gaps.offsets} messages`),
    row("absences / most reconnects in one second", `${away.count} / ${outcome.reconnectsAtPeak}`),
    row("away: median / 99 % / worst", `${ms(away.p50)} / ${ms(away.p99)} / ${ms(away.worst)}`),
    row(
      "caught up / presence exact after the end",
      `${ms(outcome.caughtUpMs)} / ${ms(outcome.presentMs)}`,
    ),
    row("disconnects by reason", counts(outcome.reasons)),
    row("recovered client errors", counts(outcome.errors)),
    row("isolates started / ended", `${census.booted} / ${counts(census.ended)}`),
    row("log lines of the function by event", counts(census.logged)),
    row(
      "killed / cut connections",
      `${injectedFaults.kills} / ${injectedFaults.connectionsCut} in ${injectedFaults.cuts} cuts`,
    ),
    "",
    "time away:",
    ...drawHistogram(outcome.awayMs),
    ...(lines.length > 0 ? ["", "first log line of each event:", ...lines] : []),
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
