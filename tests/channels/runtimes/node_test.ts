import { processRuntime } from "../../client/runtimes/process_runtime.ts";
import { locateNpmCommand } from "../../support/deploy/npm_tool.ts";
import { appSuite, bundleProgram } from "./app_suite.ts";

for (const [name, spec] of [["Node 22", "node@22"], ["the newest Node", "node@26.10.0"]] as const) {
  appSuite({
    name,
    async prepare(workplace) {
      const program = await bundleProgram(workplace);
      const command = await locateNpmCommand(spec, "node");
      return processRuntime({ command, args: [program], version: /^Node 2[2-9]\./ });
    },
  });
}
