import type { CpuClock } from "../../support/processes/cpu_clock.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { ask, type Cost, measureCost } from "./measured_load.ts";

/** Connects per measurement. They stay open until the last one is done. */
export const CONNECTS_PER_TURN = 500;
/** Concurrent connects, or verifications. */
export const CONCURRENCY = 20;

/** Opens a socket at each address and keeps all open; the measurement excludes closing them. */
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
