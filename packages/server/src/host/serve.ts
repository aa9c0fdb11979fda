import { parseConfig, parseConfigOrExit } from "../config/parse_config.ts";
import { composeServer } from "./compose_server.ts";
import { drainBeforeUnload, hostedRuntime, surviveStrayErrors } from "./hosted_runtime.ts";
import type { Fetcher } from "./request_handler.ts";
import { serveStandalone } from "./standalone.ts";

/**
 * Serves an app made with `realtime()`, configured by the environment (docs/configuration.md).
 *
 * - On the hosted runtime the host decides the address, and its warning drains the sockets.
 * - In plain Deno the server listens on HOST and PORT. SIGINT and SIGTERM drain within
 *   DRAIN_SECONDS.
 *
 * A wrong configuration ends a plain process with a message that names each variable. On the hosted
 * runtime it is thrown.
 */
export function serve(app: Fetcher): void {
  const isHosted = hostedRuntime() !== undefined;
  const readVariable = (name: string) => Deno.env.get(name);
  // The host shows a thrown error; a terminal gets the message alone.
  const config = isHosted ? parseConfig(readVariable) : parseConfigOrExit(readVariable);
  const server = composeServer(app, config);
  surviveStrayErrors(server.engine);
  drainBeforeUnload(server);
  if (isHosted) Deno.serve(server.fetch);
  else serveStandalone(server);
}
