import { type DurationSummary, peakPerSecond, summarizeDurations } from "../support/durations.ts";
import type { Census } from "./soak_isolates.ts";
import { type Absence, Ledger, type Verdict } from "./ledger.ts";
import type { MemberReport } from "./soak_jobs.ts";
import { judgePresence, type PresenceView } from "./presence_view.ts";
import type { BackplaneName } from "../support/backplane_store.ts";

/** Faults that the soak injected into isolates and their store. */
export interface InjectedFaults {
  readonly kills: number;
  readonly cuts: number;
  readonly connectionsCut: number;
}

/** Raw results of a run. */
interface RunRecord {
  readonly backplane: BackplaneName;
  readonly seed: number;
  readonly reports: readonly MemberReport[];
  /** Time at which each vanished member was killed, in milliseconds since 1970. */
  readonly vanished: ReadonlyMap<number, number>;
  readonly inexact: readonly PresenceView[][];
  readonly caughtUpMs: number | null;
  readonly presentMs: number | null;
  /** Number of open sockets once presence was exact. */
  readonly sockets: number;
  readonly census: Census;
  readonly injectedFaults: InjectedFaults;
  /** Limit of an absence in milliseconds; null for no limit. */
  readonly maxAwayMs: number | null;
}

/** Judged result of one run. */
export interface SoakOutcome {
  readonly backplane: BackplaneName;
  readonly seed: number;
  readonly verdict: Verdict;
  readonly isKept: boolean;
  readonly clients: number;
  /** Joined rooms of all clients that did not vanish. */
  readonly memberships: number;
  /** Number of open sockets once presence was exact. */
  readonly sockets: number;
  readonly published: number;
  readonly delivered: number;
  readonly gaps: { readonly count: number; readonly offsets: number };
  readonly away: DurationSummary;
  /** Every absence, in milliseconds. */
  readonly awayMs: readonly number[];
  /** Count of disconnects by the client's reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Recovered client errors by code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly reconnectsAtPeak: number;
  /**
   * Time after the last publish until every client had every message, and until presence was exact;
   * null if that took too long.
   */
  readonly caughtUpMs: number | null;
  readonly presentMs: number | null;
  readonly census: Census;
  readonly injectedFaults: InjectedFaults;
}

/** Judges a run. */
export function judgeRun(record: RunRecord): SoakOutcome {
  const { reports, vanished, inexact, maxAwayMs } = record;
  const ledger = new Ledger();
  const accounts = reports.map(({ account }) => account);
  for (const [, room] of Map.groupBy(accounts, ({ room }) => room)) ledger.judgeRoom(room, vanished);
  for (const views of inexact) judgePresence(ledger, views);
  const absences = accounts.flatMap((account) => account.absences.map((one) => ({ account, ...one })));
  for (const { account, ms, backAt } of absences) {
    if (maxAwayMs === null || ms <= maxAwayMs) continue;
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
    clients: new Set(accounts.map(({ member }) => member)).size + vanished.size,
    memberships: accounts.length,
    sockets: record.sockets,
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
    injectedFaults: record.injectedFaults,
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
