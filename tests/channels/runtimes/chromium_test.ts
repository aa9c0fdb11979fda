import { callsOf } from "../../client/page_controls.ts";
import { servePages } from "../../client/served_pages.ts";
import { launchChromium } from "../../support/chromium.ts";
import { appSuite, writeEntry } from "./app_suite.ts";
import type { AppControls } from "./page.ts";

appSuite({
  name: "Chromium",
  async prepare(workplace) {
    const entries = { app: await writeEntry(workplace, "page.ts", "offerScenarios") };
    const pages = await servePages({ entries });
    const browser = await launchChromium();
    return {
      version: `Chromium ${browser.version()}`,
      async run(scenario, address) {
        const page = await browser.newPage();
        try {
          await page.goto(`${pages.origin}/app`);
          await callsOf<AppControls>(page)("runScenario", scenario, address);
        } finally {
          await page.close();
        }
      },
      async [Symbol.asyncDispose]() {
        await browser.close();
        await pages[Symbol.asyncDispose]();
      },
    };
  },
});
