import { fileURLToPath } from "node:url";
import { locateNpmCommand } from "../../support/deploy/npm_tool.ts";
import { processRuntime } from "./process_runtime.ts";
import { runtimeSuite } from "./runtime_suite.ts";

runtimeSuite({
  name: "Bun",
  async prepare() {
    const command = await locateNpmCommand("bun@1.4.5", "bun");
    // The sources as they are.
    const program = fileURLToPath(new URL("program.ts", import.meta.url));
    return processRuntime({ command, args: ["run", program], version: /^Bun 1\./ });
  },
});
