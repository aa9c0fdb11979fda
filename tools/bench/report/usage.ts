import type { Cost } from "../harness/cost.ts";
import type { Line } from "./line.ts";

/** Names of details. */
const CORES = "cores used";
const LOAD = "load generator busy";
/** Share from which the load generator counts as busy, of its time, and the server, of a core. */
const BUSY_SHARE = 0.9;

/**
 * Details of a line that show how busy both ends were: cores that the server used, and the share of
 * time in which the load generator had work.
 */
export function usageDetails(name: string, costs: readonly Cost[]): Record<string, number[]> {
  return {
    [`${name}: ${CORES}`]: costs.map(({ cpuMicros, wallMs }) => cpuMicros / 1_000 / wallMs),
    [`${name}: ${LOAD}`]: costs.map(({ loadMs, wallMs }) => loadMs / wallMs),
  };
}

/** True if the load generator always had work while a server left its core idle. */
export function wasLoadTheLimit({ details }: Pick<Line, "details">): boolean {
  return Object.entries(details).some(([name, busy]) => {
    const cores = details[name.replace(LOAD, CORES)];
    return name.endsWith(LOAD) && busy.median >= BUSY_SHARE && (cores?.median ?? 1) < BUSY_SHARE;
  });
}
