import { processRuntime } from "../../client/runtimes/process_runtime.ts";
import { locateNpmCommand } from "../../support/deploy/npm_tool.ts";
import { appSuite, bundleProgram } from "./app_suite.ts";

appSuite({
  name: "Bun",
  async prepare(workplace) {
    const program = await bundleProgram(workplace);
    const command = await locateNpmCommand("bun@1.4.5", "bun");
    return processRuntime({ command, args: ["run", program], version: /^Bun 1\./ });
  },
});
