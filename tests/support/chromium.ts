import { type Browser, chromium } from "playwright-core";

/** Debian's Chromium (`apt-get install chromium`); the environment's CHROMIUM names another. */
const EXECUTABLE = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";

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

/**
 * Starts a headless Chromium with an empty profile; `await using` ends it. Tests that use it say `sanitizeOps: false,
 * sanitizeResources: false`: playwright keeps pipes and timers of its own.
 */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
}
