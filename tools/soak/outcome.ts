import { type DurationSummary, peakPerSecond, summarizeDurations } from "../support/durations.ts";
import type { Census } from "./soak_isolates.ts";
import { type Absence, Ledger, type Verdict } from "./ledger.ts";
import type { MemberReport } from "./soak_jobs.ts";
import { judgePresence, type PresenceView } from "./presence_view.ts";
import type { BackplaneName } from "../support/backplane_store.ts";

/** What was brought upon the isolates and their store. */
export interface Disturbances {
  readonly kills: number;
  readonly cuts: number;
  readonly connectionsCut: number;
}

/** What is known when a run is over. */
export interface RunRecord {
  readonly backplane: BackplaneName;
  readonly seed: number;
  readonly reports: readonly MemberReport[];
  /** Who vanished, and when. */
  readonly vanished: ReadonlyMap<number, number>;
  readonly inexact: readonly PresenceView[][];
  readonly caughtUpMs: number | null;
  readonly presentMs: number | null;
  readonly census: Census;
  readonly disturbances: Disturbances;
  /** An absence above it is a breach, in milliseconds; null: there is no bound. */
  readonly mostAwayMs: number | null;
}

/** One run, counted. */
export interface SoakOutcome {
  readonly backplane: BackplaneName;
  readonly seed: number;
  readonly verdict: Verdict;
  readonly isKept: boolean;
  readonly clients: number;
  readonly published: number;
  readonly delivered: number;
  readonly gaps: { readonly count: number; readonly offsets: number };
  readonly away: DurationSummary;
  /** Every absence, in milliseconds. */
  readonly awayMs: readonly number[];
  /** Why connections broke, as the clients say, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Errors that clients told of and got over. */
  readonly errors: Readonly<Record<string, number>>;
  readonly reconnectsAtPeak: number;
  /** How long it took until everybody had everything, and saw exactly who was there, once publishing had ended; null: too long. */
  readonly caughtUpMs: number | null;
  readonly presentMs: number | null;
  readonly census: Census;
  readonly disturbances: Disturbances;
}

/** Counts what a run has brought. */
export function judgeRun(record: RunRecord): SoakOutcome {
  const { reports, vanished, inexact, mostAwayMs } = record;
  const ledger = new Ledger();
  const accounts = reports.map(({ account }) => account);
  for (const [, room] of Map.groupBy(accounts, ({ room }) => room)) ledger.judgeRoom(room, vanished);
  for (const views of inexact) judgePresence(ledger, views);
  const absences = accounts.flatMap((account) => account.absences.map((one) => ({ account, ...one })));
  for (const { account, ms, backAt } of absences) {
    if (mostAwayMs === null || ms <= mostAwayMs) continue;
    const when = new Date(backAt).toISOString();
    ledger.breach(
      "late",
      `room ${account.room}: client ${account.member} was away for ${ms.toFixed()} ms until ${when}`,
    );
  }
  const { verdict } = ledger;
  const awayMs = absences.map(({ ms }) => ms);
  const gaps = accounts.flatMap(({ gaps }) => gaps);
  return {
    backplane: record.backplane,
    seed: record.seed,
    verdict,
    isKept: Object.values(verdict).every(({ count }) => count === 0),
    clients: accounts.length + vanished.size,
    published: total(accounts.map(({ acked }) => acked.length)),
    delivered: total(accounts.map(({ offsets }) => offsets.length)),
    gaps: { count: gaps.length, offsets: total(gaps.map(({ from, to }) => to === null ? 0 : to - from + 1)) },
    away: summarizeDurations(awayMs),
    awayMs: awayMs.map(Math.round),
    reasons: countReasons(absences),
    errors: addUp(reports.map(({ errors }) => errors)),
    reconnectsAtPeak: peakPerSecond(absences.map(({ backAt }) => backAt)),
    caughtUpMs: record.caughtUpMs,
    presentMs: record.presentMs,
    census: record.census,
    disturbances: record.disturbances,
  };
}

function countReasons(absences: readonly Absence[]): Record<string, number> {
  return addUp(absences.map(({ reason }) => ({ [reason]: 1 })));
}

function addUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of counts.flatMap((one) => Object.entries(one))) {
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
