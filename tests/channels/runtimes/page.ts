import { offer } from "../../client/pages/offer.ts";
import type { SupabaseJs } from "../../support/channels/supabase_js.ts";
import { runScenario } from "./scenarios.ts";

/** Offers the scenarios in a page. */
export function offerScenarios(client: SupabaseJs): void {
  offer({ runScenario: (name: string, address: string) => runScenario(client, name, address) });
}
