import { composeEngine, type Engine } from "../compose/compose_engine.ts";
import { parseConfig } from "../config/parse_config.ts";
import { hostedRuntime, writeToConsole } from "./hosted_runtime.ts";
import { createRequestHandler, type Fetcher, type RequestHandler } from "./request_handler.ts";

/** A server to be mounted in a larger Hono app, or to be given to `Deno.serve`. */
export interface Server {
  /** Answers a request below the app's base path. */
  readonly fetch: RequestHandler;
  /**
   * Refuses new sockets from now on and closes the open ones with 1012, within DRAIN_SECONDS.
   * Resolves when all are closed. `reason` is told to clients, such as `SIGTERM`.
   */
  drain(reason: string): Promise<void>;
  /** Releases timers and connections to the backplane; call it after `drain`. */
  close(): Promise<void>;
}

/** Options of a server. */
export interface ServerOptions {
  /** The environment to read the configuration from; the process's own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Creates a server for an app made with `realtime()`. It does not listen, and takes no signals.
 * @throws {ConfigError} naming every variable that is wrong (docs/configuration.md)
 *
 * @example
 * const server = createServer(app);
 * new Hono().all("/realtime/*", (c) => server.fetch(c.req.raw));
 */
export function createServer(app: Fetcher, { env }: ServerOptions = {}): Server {
  const config = parseConfig((name) => env ? env[name] : Deno.env.get(name));
  const engine = composeEngine(config, hostHooks());
  scheduleWarmUp(engine);
  return {
    fetch: createRequestHandler(app, engine.deps),
    drain: (reason) => engine.connections.drain(reason, config.DRAIN_SECONDS * 1000),
    close: () => engine.close(),
  };
}

/** Long enough for the first answer to be out, short enough for whoever connects next. */
const WARM_UP_AFTER_MS = 100;

/** Loads the rest of the code shortly after the start. */
export function scheduleWarmUp(engine: Engine): void {
  setTimeout(() => void engine.warmUp(), WARM_UP_AFTER_MS);
}

/** Capabilities of the runtime that this process runs in. */
export function hostHooks(): Parameters<typeof composeEngine>[1] {
  const runtime = hostedRuntime();
  return {
    waitUntil: runtime && ((promise) => runtime.waitUntil(promise)),
    writeLog: writeToConsole,
  };
}
