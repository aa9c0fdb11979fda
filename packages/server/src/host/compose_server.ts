import { composeEngine, type Engine } from "../compose/compose_engine.ts";
import type { Config } from "../config/variables.ts";
import { hostedRuntime, writeToConsole } from "./hosted_runtime.ts";
import { createRequestHandler, type Fetcher } from "./request_handler.ts";
import type { Server } from "./server.ts";

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
