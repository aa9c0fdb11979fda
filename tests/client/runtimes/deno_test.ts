import { fileURLToPath } from "node:url";
import { processRuntime } from "./process_runtime.ts";
import { runtimeSuite } from "./runtime_suite.ts";

runtimeSuite({
  name: `Deno ${Deno.version.deno}`,
  prepare: () =>
    Promise.resolve(processRuntime({
      command: Deno.execPath(),
      // The sources as they are: nothing is configured for them.
      args: [
        "run",
        "--no-config",
        "--no-check",
        "--allow-net=127.0.0.1",
        "--allow-env",
        "--allow-read",
        fileURLToPath(new URL("program.ts", import.meta.url)),
      ],
      version: new RegExp(`^Deno ${Deno.version.deno}$`),
      // 2.1.4, when a connection breaks.
      mutters: /^Error polling connection/,
    })),
});
