import { composeEngine } from "../compose/compose_engine.ts";
import { parseConfig, parseConfigOrExit } from "../config/parse_config.ts";
import { hostHooks, scheduleWarmUp } from "./create_server.ts";
import { drainBeforeUnload, hostedRuntime, surviveStrayErrors } from "./hosted_runtime.ts";
import { createRequestHandler, type Fetcher } from "./request_handler.ts";
import { serveStandalone } from "./standalone.ts";

/**
 * Serves an app made with `realtime()`. Configured by the environment (docs/configuration.md). On the
 * hosted runtime the host decides the address, and its warning drains the sockets; in plain Deno it
 * listens on HOST and PORT, and SIGINT or SIGTERM drain within DRAIN_SECONDS. A wrong configuration
 * ends a plain process with a message that names each variable, and is thrown on the hosted runtime.
 */
export function serve(app: Fetcher): void {
  const isHosted = hostedRuntime() !== undefined;
  const readVariable = (name: string) => Deno.env.get(name);
  // The host shows what was thrown; a terminal gets the message alone.
  const config = isHosted ? parseConfig(readVariable) : parseConfigOrExit(readVariable);
  const engine = composeEngine(config, hostHooks());
  const handler = createRequestHandler(app, engine.deps);
  surviveStrayErrors(engine);
  drainBeforeUnload(engine);
  if (isHosted) Deno.serve(handler);
  else serveStandalone(engine, handler);
  scheduleWarmUp(engine);
}
