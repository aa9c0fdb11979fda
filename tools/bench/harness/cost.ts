import { delay } from "@std/async";
import type { CpuClock } from "../../support/processes/cpu_clock.ts";
import type { Load } from "./load.ts";

/**
 * Settling time: work of the server after the last answer, such as open handlers, belongs to the
 * figure.
 */
const SETTLE_MS = 50;

/** Cost of work to a process. */
export interface Cost {
  readonly cpuMicros: number;
  readonly wallMs: number;
  /** Time that the load generator had work. */
  readonly loadMs: number;
}

/**
 * Measures the processor time of `clock`'s process until `work` is done and the process has
 * settled. Without a load generator, `loadMs` is 0.
 */
export async function measureCost(
  clock: CpuClock,
  load: Load | undefined,
  work: () => Promise<unknown>,
): Promise<Cost> {
  const startedAt = performance.now();
  const before = clock.micros();
  const loadBefore = load?.busyMs ?? 0;
  await work();
  const wallMs = performance.now() - startedAt;
  await delay(SETTLE_MS);
  return { cpuMicros: clock.micros() - before, wallMs, loadMs: (load?.busyMs ?? 0) - loadBefore };
}

/** Costs of a round's sides, by label; costs of the same side add up. */
export class RoundCosts {
  readonly #costs = new Map<string, Cost>();

  add(label: string, { cpuMicros, wallMs, loadMs }: Cost): void {
    const sum = this.#costs.get(label) ?? { cpuMicros: 0, wallMs: 0, loadMs: 0 };
    this.#costs.set(label, {
      cpuMicros: sum.cpuMicros + cpuMicros,
      wallMs: sum.wallMs + wallMs,
      loadMs: sum.loadMs + loadMs,
    });
  }

  /** Cost of a side. @throws {Error} if the round did not measure it */
  of(label: string): Cost {
    const cost = this.#costs.get(label);
    if (!cost) throw new Error(`${label} was not measured`);
    return cost;
  }

  /** Formats the CPU of every side, in microseconds for each of `count` pieces of work. */
  text(count: number): string {
    const texts = [...this.#costs].map(([label, cost]) => `${label} ${(cost.cpuMicros / count).toFixed(2)}`);
    return `${texts.join(", ")} µs`;
  }
}
