/** A scenario as a program, for runtimes that are processes: Deno, Node, Bun. */
import process from "node:process";
import type { WebSocketClass } from "../../../packages/client/mod.ts";
import { runScenario } from "./scenarios.ts";

/** The line that says that all is well; what is left is that the program ends by itself. */
export const HOLDS = "It holds.";

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

/** Such as `Node 22.23.3`. Deno and Bun name a version of Node too. */
function runtimeVersion(): string {
  const { deno, bun, node } = process.versions as Readonly<Record<string, string | undefined>>;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun === undefined ? `Node ${node}` : `Bun ${bun}`;
}
