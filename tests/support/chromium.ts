import { type Browser, chromium } from "playwright-core";

/** Where a Chromium may be; the environment's CHROMIUM names another. */
const PLACES = [
  Deno.env.get("CHROMIUM"),
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** In a container Chromium runs as root; the rest keeps it from asking for Google's servers. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const executable = PLACES.find((path) => path !== undefined && exists(path));

/**
 * Whether tests in a browser have to be left out: for `ignore` of `Deno.test`. True where there is no Chromium, except in CI (with CI in the
 * environment), where they fail instead.
 */
export const isWithoutChromium: boolean = executable === undefined && !Deno.env.get("CI");
if (isWithoutChromium) {
  console.log(
    "No Chromium: browser tests are left out. Get it with `apt-get install chromium`, or name one in CHROMIUM.",
  );
}

/**
 * Starts a headless Chromium with an empty profile; `await using` ends it.
 * @throws {Error} when there is none
 */
export async function launchChromium(): Promise<Browser> {
  if (!executable) throw new Error(`There is no Chromium at any of ${PLACES.filter(Boolean).join(", ")}.`);
  return await chromium.launch({ executablePath: executable, args: ARGUMENTS });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
