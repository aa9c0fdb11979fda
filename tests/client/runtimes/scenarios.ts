import type { WebSocketClass } from "../../../packages/client/mod.ts";
import type { Scenario } from "./scenario.ts";
import { BROKEN } from "./scenarios_broken.ts";
import { CALM } from "./scenarios_calm.ts";
import { REFUSED } from "./scenarios_refused.ts";
import { openEnvironment } from "./environment.ts";

/** Scenarios with the same result on every runtime. */
export const SCENARIOS: readonly Scenario[] = [...CALM, ...BROKEN, ...REFUSED];

/** Runs a scenario in the environment at an address. @throws {Error} naming the failed assertion */
export async function runScenario(name: string, address: string, WebSocket?: WebSocketClass): Promise<void> {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (!scenario) throw new Error(`There is no scenario "${name}".`);
  await scenario.run(await openEnvironment(address, WebSocket));
}
