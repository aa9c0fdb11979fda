/** A scenario as a program, for runtimes that are processes: Deno, Node, Bun. */
import process from "node:process";
import type { WebSocketClass } from "../../../packages/client/mod.ts";
import { HOLDS, runtimeVersion } from "./program_output.ts";
import { runScenario } from "./scenarios.ts";

/**
 * Runs the scenario of the arguments in the environment at their address. Prints the runtime and
 * the result. A failure ends the program; a success does not.
 */
export async function runProgram(WebSocket?: WebSocketClass): Promise<void> {
  const [name = "", address = ""] = process.argv.slice(2);
  console.log(runtimeVersion());
  try {
    await runScenario(name, address, WebSocket);
    console.log(HOLDS);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
