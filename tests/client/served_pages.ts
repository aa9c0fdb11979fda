import { bundle, type BundledFile, type BundleOptions, stopBundling } from "../../packages/cli/dev/bundle.ts";

/** Pages on their own port. `await using` ends the server and the bundler process. */
export interface ServedPages extends AsyncDisposable {
  /**
   * Such as `http://127.0.0.1:43121`. The page of entry `app` is at `/app`; its script runs when
   * the page has loaded.
   */
  readonly origin: string;
}

/**
 * Bundles modules for a browser and serves a page for each, with a single element `root`. `markup`
 * is the initial content of that element, by the entry's name.
 */
export async function servePages(
  options: BundleOptions,
  markup: Readonly<Record<string, string>> = {},
): Promise<ServedPages> {
  const files = new Map((await bundle(options)).map((file: BundledFile) => [`/${file.name}`, file.text]));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    const script = files.get(pathname);
    if (script !== undefined) return reply(script, "text/javascript");
    if (files.has(`${pathname}.js`)) return reply(pageOf(pathname, markup[pathname.slice(1)]), "text/html");
    return new Response(null, { status: pathname === "/favicon.ico" ? 204 : 404 });
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await stopBundling();
    },
  };
}

function reply(body: string, type: string): Response {
  return new Response(body, { headers: { "content-type": `${type}; charset=utf-8` } });
}

function pageOf(path: string, markup = ""): string {
  const script = `<script type="module" src="${path}.js"></script>`;
  return `<!doctype html><title>test</title><div id="root">${markup}</div>${script}`;
}
