import { type Browser, chromium } from "playwright-core";
import { findInstalled } from "../../tools/support/installed.ts";

const installed = findInstalled({
  name: "Chromium",
  tests: "browser tests",
  hint: "Get it with `apt-get install chromium`, or name one in CHROMIUM",
  places: [
    Deno.env.get("CHROMIUM"),
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ],
});

/** Arguments that allow root in a container and prevent requests to Google's servers. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** True if browser tests must be skipped; see `Found.isMissing`. */
export const isWithoutChromium: boolean = installed.isMissing;

/**
 * Starts a headless Chromium with an empty profile; `await using` ends it. With `keepsPages` it has
 * a back/forward cache.
 * @throws {Error} when no Chromium is installed
 */
export async function launchChromium(options: { readonly keepsPages?: boolean } = {}): Promise<Browser> {
  return await chromium.launch({
    executablePath: installed.path(),
    args: ARGUMENTS,
    // Playwright switches the back/forward cache off.
    ignoreDefaultArgs: options.keepsPages ? ["--disable-back-forward-cache"] : [],
  });
}
