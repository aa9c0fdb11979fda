import { launchChromium } from "../../support/chromium.ts";
import { callsOf } from "../page_controls.ts";
import { servePages } from "../served_pages.ts";
import type { Runtime } from "./runtime_suite.ts";

/** Functions of a page that runs scenarios. */
interface ScenarioControls {
  readonly runScenario: (name: string, address: string) => Promise<void>;
  readonly [name: string]: (...values: never[]) => unknown;
}

/** Starts Chromium, which runs each scenario in a new page with the program at `path`. */
export async function startChromium(path: string): Promise<Runtime> {
  const pages = await servePages({ entries: { page: path } });
  const browser = await launchChromium();
  return {
    version: `Chromium ${browser.version()}`,
    async run(scenario, address) {
      const page = await browser.newPage();
      try {
        await page.goto(`${pages.origin}/page`);
        await callsOf<ScenarioControls>(page)("runScenario", scenario, address);
      } finally {
        await page.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await pages[Symbol.asyncDispose]();
    },
  };
}
