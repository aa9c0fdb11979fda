import { drawFaults } from "./draw_faults.ts";
import type { Faults } from "./faults.ts";

/** One run of a scenario. */
export interface SeededRun {
  readonly seed: number;
  /** Faults for `proxy.next(...faults)`. */
  readonly faults: readonly Faults[];
}

/** Number of runs, and of faulty connections in each before all are clean. */
interface SeededRuns {
  readonly seeds: number;
  readonly faulty: number;
  /** Only seed to run, or null for all seeds; `FAULT_SEED` by default. */
  readonly only?: number | null;
}

/** Environment variable with the only seed to run. */
const ONE_SEED = "FAULT_SEED";

/**
 * Runs a scenario with the faults of seeds 1 to `seeds`, one after the other. Rejects at the first
 * failure, with its seed and its faults.
 */
export async function throughSeeds(
  { seeds, faulty, only = seedOfEnvironment() }: SeededRuns,
  scenario: (run: SeededRun) => Promise<void>,
): Promise<void> {
  const all = only === null ? Array.from({ length: seeds }, (_, index) => index + 1) : [only];
  for (const seed of all) {
    const faults = drawFaults(seed, faulty);
    try {
      await scenario({ seed, faults });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const plan = JSON.stringify(faults);
      throw new Error(`Seed ${seed} fails (${ONE_SEED}=${seed} runs it alone), with ${plan}: ${why}`, {
        cause,
      });
    }
  }
}

function seedOfEnvironment(): number | null {
  const seed = Deno.env.get(ONE_SEED);
  return seed === undefined ? null : Number(seed);
}
