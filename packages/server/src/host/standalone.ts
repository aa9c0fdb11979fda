import type { Config } from "../config/variables.ts";
import type { ComposedServer } from "./compose_server.ts";
import type { RequestHandler } from "./request_handler.ts";

/**
 * Listens on `HOST` and `PORT`. If that address cannot be had, a message says so and the process
 * ends.
 */
export function listen(
  config: Config,
  handler: RequestHandler,
  onListen: (address: Deno.NetAddr) => void,
): Deno.HttpServer {
  try {
    return Deno.serve({ hostname: config.HOST, port: config.PORT, onListen }, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.AddrNotAvailable)) {
      throw error;
    }
    console.error(
      `Cannot listen on ${config.HOST}:${config.PORT}: ${error.message}. Set PORT (or HOST) to a free address.`,
    );
    Deno.exit(1);
  }
}

/** Time for the last responses to be sent before the process ends. */
const SHUTDOWN_MS = 1_000;

/**
 * Serves in plain Deno until SIGTERM or SIGINT, which drain the open sockets first. A second signal
 * ends the process at once.
 */
export function serveStandalone({ engine, fetch, drain, close }: ComposedServer): void {
  const { config, connections, log } = engine;
  const server = listen(config, fetch, ({ hostname, port }) => {
    log.info("listening", { hostname, port, url: `http://${hostname}:${port}/realtime` });
  });

  async function end(signal: Deno.Signal): Promise<void> {
    if (connections.isDraining) Deno.exit(1);
    await drain(signal);
    await close();
    // `shutdown` waits without end for a peer that does not answer its close frame and, on Deno
    // 2.9.6, for one that left before its upgrade was complete.
    await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, SHUTDOWN_MS))]);
    Deno.exit(0);
  }

  Deno.addSignalListener("SIGINT", () => void end("SIGINT"));
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => void end("SIGTERM"));
}
