import { startChromium } from "../../client/runtimes/chromium_runtime.ts";
import { appSuite, writeEntry } from "./app_suite.ts";

appSuite({
  name: "Chromium",
  prepare: async (workplace) => await startChromium(await writeEntry(workplace, "page.ts", "offerScenarios")),
});
