import { offer } from "../../client/pages/offer.ts";
import type { SupabaseJs } from "../../support/channels/supabase_js.ts";
import { runScenario } from "./scenarios.ts";

/** Functions that tests call in a page. */
export interface AppControls {
  readonly runScenario: (name: string, address: string) => Promise<void>;
  readonly [name: string]: (...values: never[]) => unknown;
}

/** Offers the scenarios in a page. */
export function offerScenarios(client: SupabaseJs): void {
  const controls: AppControls = {
    runScenario: (name: string, address: string) => runScenario(client, name, address),
  };
  offer(controls);
}
