import type { CpuClock } from "../../support/processes/cpu_clock.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { ask, type Cost, measureCost } from "./measured_load.ts";

/** Connects that are measured together, and held open until all are there. */
export const CONNECTS_PER_TURN = 500;
/** Connects, or verifications, in the works at once. */
export const CONCURRENCY = 20;

/** Opens a socket at each address and holds them all; closing them is not measured. */
export async function measureConnects(
  load: JobProcess,
  clock: CpuClock,
  { group, urls }: { readonly group: string; readonly urls: readonly string[] },
): Promise<Cost> {
  const job = { type: "open", group, concurrency: CONCURRENCY, urls, dialect: "relay" } as const;
  const cost = await measureCost(clock, () => ask(load, job));
  await ask(load, { type: "close", group });
  return cost;
}
