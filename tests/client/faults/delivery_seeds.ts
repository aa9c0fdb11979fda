import { assert } from "@std/assert";
import { throughSeeds } from "../../support/fault_proxy/through_seeds.ts";
import { ANY_RATE } from "../../support/room_client.ts";
import type { StartOptions } from "../../support/running_server.ts";
import { deliver } from "./delivery_run.ts";
import { DelayedDeliveries } from "./delayed_deliveries.ts";
import { startStoppable } from "./stoppable_service.ts";

/** Faulty connections of a run, before all are clean. */
const FAULTY = 5;

/** Runs with one seed after the other. */
export interface Runs {
  readonly seeds: number;
  readonly service?: StartOptions;
  /** True if messages are lost for good. */
  readonly hasGaps: boolean;
  readonly isRestless?: boolean;
  /** True if alice excludes herself from some messages, and acks overtake messages. */
  readonly excludes?: boolean;
}

/** Runs the seeds on one service. Rejects with the first failure and the command to repeat it. */
export async function deliverThroughSeeds(
  { seeds, service, hasGaps, isRestless = false, excludes = false }: Runs,
): Promise<void> {
  // On a busy machine a reconnect may take longer than the default; no entry may be seen to leave.
  const env = { ...ANY_RATE, PRESENCE_GRACE_MS: "600000", ...service?.env };
  await using delays = new DelayedDeliveries();
  await using running = await startStoppable({ ...service, env });
  if (excludes) delays.delay(running);
  const sum = { runs: 0, connections: 0, gaps: 0 };
  await throughSeeds({ seeds, faulty: FAULTY }, async (run) => {
    const { connections, gaps } = await deliver(running, run, { isRestless, excludes });
    sum.runs++;
    sum.connections += connections;
    sum.gaps += gaps;
  });
  assert(sum.connections >= sum.runs * FAULTY, `${sum.connections} connections in ${sum.runs} runs`);
  const isComplete = sum.runs === seeds;
  assert(hasGaps ? sum.gaps > 0 || !isComplete : sum.gaps === 0, `${sum.gaps} gaps`);
}
