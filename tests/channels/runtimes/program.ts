/** A scenario as a program, for runtimes that are processes: Deno, Node, Bun. */
import process from "node:process";
import { HOLDS, runtimeVersion } from "../../client/runtimes/program_output.ts";
import type { SupabaseJs } from "../../support/channels/supabase_js.ts";
import { runScenario } from "./scenarios.ts";

/** Runs the scenario of the arguments, and ends the program. */
export async function runProgram(client: SupabaseJs): Promise<void> {
  const [name = "", address = ""] = process.argv.slice(2);
  console.log(runtimeVersion());
  try {
    await runScenario(client, name, address);
    console.log(HOLDS);
    // The client's `disconnect` leaves a timer of ten seconds behind.
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
