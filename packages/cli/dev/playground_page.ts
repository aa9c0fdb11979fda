import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import type { BundledFile } from "./bundle.ts";

const PLAYGROUND = new URL("../playground/", import.meta.url);

/** Files that are served as they are, with their types. */
const PLAIN: Readonly<Record<string, string>> = {
  "style.css": "text/css; charset=utf-8",
  "visit.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** What the page may load and run: what this server has, and nothing that somebody wrote. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Makes the playground's TypeScript into what a browser loads; the first file is `main.js`. */
async function bundleMain(folder: URL): Promise<BundledFile[]> {
  // Not before it is asked for: the dev server is up sooner, and starts no other process.
  const { bundle, stopBundling } = await import("./bundle.ts");
  try {
    return await bundle({ entries: { main: fileURLToPath(new URL("main.ts", folder)) } });
  } finally {
    // `deno run --watch` would leave the bundler's process behind at every restart.
    await stopBundling();
  }
}

/**
 * The playground, at `/`. Its TypeScript is bundled each time that the page is loaded, so a change is there after a reload; what cannot
 * be bundled is told as text, with file and line.
 */
export function createPlayground(folder: URL = PLAYGROUND): Hono {
  const app = new Hono();
  let modules = new Map<string, string>();
  let building: Promise<void> | undefined;

  /** Pages that are loaded at the same moment share one bundle. */
  function build(): Promise<void> {
    building ??= bundleMain(folder)
      .then((files) => {
        modules = new Map(files.map(({ name, text }) => [name, text]));
      })
      .finally(() => (building = undefined));
    return building;
  }

  app.onError((error, c) => {
    console.error(error.message);
    return c.text(`The playground cannot be shown.\n\n${error.message}\n`, 500, HEADERS);
  });
  app.get("/", async (c) => {
    await build();
    return c.html(await Deno.readTextFile(new URL("index.html", folder)), 200, HEADERS);
  });
  app.get("/playground/:file", async (c) => {
    const name = c.req.param("file");
    const type = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
    if (type) {
      return c.body(await Deno.readTextFile(new URL(name, folder)), 200, {
        ...HEADERS,
        "content-type": type,
      });
    }
    // A page that was open when the dev server restarted.
    if (!modules.has(name)) await build();
    const text = modules.get(name);
    if (text === undefined) return c.notFound();
    return c.body(text, 200, { ...HEADERS, "content-type": "text/javascript; charset=utf-8" });
  });
  return app;
}
