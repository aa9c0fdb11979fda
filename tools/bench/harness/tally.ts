import { delay } from "@std/async";
import type { CpuClock } from "../../support/processes/cpu_clock.ts";
import type { Measured } from "../report/line.ts";
import type { Load } from "./load.ts";

/**
 * Settling time: work of the server after the last answer, such as open handlers, belongs to the
 * figure.
 */
const SETTLE_MS = 50;
/** Share from which the load generator counts as busy, of its time, and the server, of a core. */
const BUSY_SHARE = 0.9;

/** Cost of work to a server's process. */
export interface Cost {
  readonly cpuMicros: number;
  readonly wallMs: number;
  /** Time that the load generator had work. */
  readonly loadMs: number;
  /** Pieces of work, such as messages. */
  readonly count: number;
}

/**
 * Measures the processor time of `clock`'s process until `work` is done and the process has
 * settled. `work` returns the number of pieces.
 */
export async function measureCost(clock: CpuClock, load: Load, work: () => Promise<number>): Promise<Cost> {
  const startedAt = performance.now();
  const [before, loadBefore] = [clock.micros(), load.busyMs];
  const count = await work();
  const wallMs = performance.now() - startedAt;
  await delay(SETTLE_MS);
  return { cpuMicros: clock.micros() - before, wallMs, loadMs: load.busyMs - loadBefore, count };
}

/** Costs of a case by side and round. Costs of a side within a round add up. */
export class Tally {
  readonly #rounds: Map<string, Cost>[] = [];

  startRound(): void {
    this.#rounds.push(new Map());
  }

  add(side: string, cost: Cost): void {
    const round = this.#rounds.at(-1);
    const sum = round?.get(side) ?? { cpuMicros: 0, wallMs: 0, loadMs: 0, count: 0 };
    round?.set(side, {
      cpuMicros: sum.cpuMicros + cost.cpuMicros,
      wallMs: sum.wallMs + cost.wallMs,
      loadMs: sum.loadMs + cost.loadMs,
      count: sum.count + cost.count,
    });
  }

  /** CPU of two sides in every round, in microseconds for a piece of work. */
  pair(ours: string, peer: string): Pick<Measured, "ours" | "peer" | "isLoadLimited"> {
    const sides = [this.#of(ours), this.#of(peer)] as const;
    return {
      ours: sides[0].map(microsOfOne),
      peer: sides[1].map(microsOfOne),
      isLoadLimited: sides.some(wasLoadTheLimit),
    };
  }

  /** Formats the CPU of each side in the newest round. */
  text(): string {
    const texts = [...this.#rounds.at(-1) ?? []].map(([side, cost]) =>
      `${side} ${microsOfOne(cost).toFixed(2)}`
    );
    return `${texts.join(", ")} µs`;
  }

  #of(side: string): Cost[] {
    return this.#rounds.map((round) => {
      const cost = round.get(side);
      if (!cost) throw new Error(`${side} was not measured`);
      return cost;
    });
  }
}

function microsOfOne({ cpuMicros, count }: Cost): number {
  return cpuMicros / count;
}

/** True if the load generator had work nearly all the time while the server left its core idle. */
function wasLoadTheLimit(costs: readonly Cost[]): boolean {
  const sum = (field: keyof Cost) => costs.reduce((all, cost) => all + cost[field], 0);
  const wallMs = sum("wallMs");
  return sum("loadMs") >= BUSY_SHARE * wallMs && sum("cpuMicros") / 1_000 < BUSY_SHARE * wallMs;
}
