import { locateNpmCommand } from "../../support/deploy/npm_tool.ts";
import { importedVersion, installPackages } from "../npm_project.ts";
import { bundleProgram } from "./bundle_program.ts";
import { processRuntime } from "./process_runtime.ts";
import { runtimeSuite } from "./runtime_suite.ts";

runtimeSuite({
  name: "Node 20 with the package ws",
  async prepare(workplace) {
    await installPackages(workplace, [`ws@${await importedVersion("ws")}`]);
    const program = await bundleProgram("program_with_ws", workplace);
    const command = await locateNpmCommand("node@20", "node");
    return processRuntime({ command, args: [program], version: /^Node 20\./ });
  },
});

runtimeSuite({
  name: "Node 22",
  async prepare(workplace) {
    const program = await bundleProgram("program", workplace);
    const command = await locateNpmCommand("node@22", "node");
    return processRuntime({ command, args: [program], version: /^Node 22\./ });
  },
});

runtimeSuite({
  name: "the newest Node",
  async prepare(workplace) {
    const program = await bundleProgram("program", workplace);
    const command = await locateNpmCommand("node@26.10.0", "node");
    return processRuntime({ command, args: [program], version: /^Node (2[4-9]|[3-9]\d)\./ });
  },
});
