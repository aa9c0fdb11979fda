import { composeEngine, type Engine } from "../compose/compose_engine.ts";
import type { Config } from "../config/variables.ts";
import { hostedRuntime, writeToConsole } from "./hosted_runtime.ts";
import { createRequestHandler, type Fetcher, type RequestHandler } from "./request_handler.ts";

/** A server that answers requests, but does not listen. */
export interface Server {
  /** Answers a request below the app's base path. */
  readonly fetch: RequestHandler;
  /**
   * Refuses new sockets with 503 from now on, and closes the open ones with 1012 within
   * DRAIN_SECONDS. Resolves once they are closed. Clients receive `reason`, for example `SIGTERM`:
   * that one spreads the closes over DRAIN_SECONDS, other reasons close all sockets at once.
   */
  drain(reason: string): Promise<void>;
  /** Releases timers and connections to the backplane. Call it after `drain`. */
  close(): Promise<void>;
}

/** A server with its engine. */
export interface ComposedServer extends Server {
  readonly engine: Engine;
}

/** Delay of the warm-up: after the first response, before most clients connect. */
const WARM_UP_AFTER_MS = 100;

/** Composes the server of an app for the runtime that this process runs in. */
export function composeServer(app: Fetcher, config: Config): ComposedServer {
  const runtime = hostedRuntime();
  const engine = composeEngine(config, {
    waitUntil: runtime && ((promise) => runtime.waitUntil(promise)),
    writeLog: writeToConsole,
  });
  const warmUp = setTimeout(() => void engine.warmUp(), WARM_UP_AFTER_MS);
  return {
    engine,
    fetch: createRequestHandler(app, engine.deps),
    drain: (reason) => engine.connections.drain(reason, config.DRAIN_SECONDS * 1000),
    async close() {
      clearTimeout(warmUp);
      await engine.close();
    },
  };
}
