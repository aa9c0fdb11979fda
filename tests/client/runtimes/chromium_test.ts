import { fileURLToPath } from "node:url";
import { launchChromium } from "../../support/chromium.ts";
import { callsOf } from "../page_controls.ts";
import { servePages } from "../served_pages.ts";
import type { PAGE_CONTROLS } from "./page_program.ts";
import { runtimeSuite } from "./runtime_suite.ts";

runtimeSuite({
  name: "Chromium",
  async prepare() {
    const entries = { page: fileURLToPath(new URL("page_program.ts", import.meta.url)) };
    const pages = await servePages({ entries });
    const browser = await launchChromium();
    return {
      version: `Chromium ${browser.version()}`,
      async run(scenario, address) {
        const page = await browser.newPage();
        try {
          await page.goto(`${pages.origin}/page`);
          await callsOf<typeof PAGE_CONTROLS>(page)("runScenario", scenario, address);
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
