import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import type { BundledFile } from "./bundle.ts";

const PLAYGROUND = new URL("../playground/", import.meta.url);

/** Media types of the static files. */
const STATIC_FILES: Readonly<Record<string, string>> = {
  "style.css": "text/css; charset=utf-8",
  "room.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** Content-Security-Policy: only files of this server, and no HTML from user input. */
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

/** Bundles the playground's TypeScript; the first file is `main.js`. */
async function bundleMain(folder: URL): Promise<BundledFile[]> {
  // Imported at the first request: the dev server starts sooner, and without another process.
  const { bundle, stopBundling } = await import("./bundle.ts");
  try {
    return await bundle({ entries: { main: fileURLToPath(new URL("main.ts", folder)) } });
  } finally {
    // `deno run --watch` would leave the bundler's process behind at every restart.
    await stopBundling();
  }
}

/**
 * Serves the playground at `/`. Bundles its TypeScript at each page load, so that a reload shows
 * changes. Answers a bundling error as text, with file and line.
 */
export function createPlayground(
  folder: URL = PLAYGROUND,
  bundlePage: (folder: URL) => Promise<readonly { name: string; text: string }[]> = bundleMain,
): Hono {
  const app = new Hono();
  let modules = new Map<string, string>();
  let building: Promise<void> | undefined;

  /** Pages that load at the same time share one bundle. */
  function build(): Promise<void> {
    building ??= bundlePage(folder)
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
    const type = Object.hasOwn(STATIC_FILES, name) ? STATIC_FILES[name] : undefined;
    if (type) {
      return c.body(await Deno.readTextFile(new URL(name, folder)), 200, {
        ...HEADERS,
        "content-type": type,
      });
    }
    // The page was open while the dev server restarted.
    if (!modules.has(name)) await build();
    const text = modules.get(name);
    if (text === undefined) return c.notFound();
    return c.body(text, 200, { ...HEADERS, "content-type": "text/javascript; charset=utf-8" });
  });
  return app;
}
