import { parseConfig } from "../config/parse_config.ts";
import { composeServer } from "./compose_server.ts";
import type { Fetcher } from "./request_handler.ts";
import type { Server } from "./server.ts";

export type { Server };

/** Options of a server. */
export interface ServerOptions {
  /** Variables to read the configuration from; those of the process by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Creates a server for an app made with `realtime()`. It does not listen, and takes no signals.
 *
 * Mounted in a larger Hono app, as in the first example, it upgrades only if no middleware of that
 * app sets a header after `next()`, as `cors` and `secureHeaders` do. Deno 2.1.4 accepts only the
 * very response that its upgrade made, and a header replaces the response. `app.mount` does not
 * help. For such middleware put the app into the larger one and serve the larger one, as in the
 * second example or with `serve`: the upgrade is then the last step.
 *
 * @throws {ConfigError} with the name of each wrong variable (docs/configuration.md)
 *
 * @example
 * const server = createServer(app);
 * Deno.serve(new Hono().all("/realtime/*", (c) => server.fetch(c.req.raw)).fetch);
 *
 * @example
 * const larger = new Hono().use(secureHeaders()).route("/", app);
 * Deno.serve(createServer(larger).fetch);
 */
export function createServer(app: Fetcher, { env }: ServerOptions = {}): Server {
  const { fetch, drain, close } = composeServer(
    app,
    parseConfig((name) => env ? env[name] : Deno.env.get(name)),
  );
  return { fetch, drain, close };
}
