import { processRuntime } from "../../client/runtimes/process_runtime.ts";
import { appSuite, bundleProgram } from "./app_suite.ts";

appSuite({
  name: `Deno ${Deno.version.deno}`,
  async prepare(workplace) {
    const program = await bundleProgram(workplace);
    return processRuntime({
      command: Deno.execPath(),
      // Deno finds the package in the folder of the program.
      args: ["run", "--no-check", "--allow-net=127.0.0.1", "--allow-env", "--allow-read", program],
      version: new RegExp(`^Deno ${Deno.version.deno}$`),
    });
  },
});
