import { fileURLToPath } from "node:url";
import { startChromium } from "./chromium_runtime.ts";
import { runtimeSuite } from "./runtime_suite.ts";

runtimeSuite({
  name: "Chromium",
  prepare: () => startChromium(fileURLToPath(new URL("page_program.ts", import.meta.url))),
});
