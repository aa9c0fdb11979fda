import { drawFaults } from "./draw_faults.ts";
import type { Faults } from "./faults.ts";

/** What a scenario is run with. */
export interface SeededRun {
  readonly seed: number;
  /** For `proxy.next(...faults)`. */
  readonly faults: readonly Faults[];
}

/** How many runs, and how many faulty connections each has before all are clean. */
export interface SeededRuns {
  readonly seeds: number;
  readonly faulty: number;
  /** The only seed to run, or null for all of them; the environment's `FAULT_SEED` by default. */
  readonly only?: number | null;
}

/** Names one seed, to run it alone. */
const ONE_SEED = "FAULT_SEED";

/**
 * Runs a scenario with the faults of seeds 1 to `seeds`, one after the other. Rejects at the first that fails, with its seed and its
 * faults.
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
