import type { Config } from "../config/variables.ts";
import type { Engine } from "../compose/compose_engine.ts";
import type { RequestHandler } from "./request_handler.ts";

/** Listens on `HOST` and `PORT`; an address that cannot be had ends the process with a message that says what to change. */
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
      `Cannot listen on ${config.HOST}:${config.PORT}: ${error.message}. Set PORT (or HOST) to another one.`,
    );
    Deno.exit(1);
  }
}

/** How long the last responses may take to be sent before the process ends. */
const SHUTDOWN_MS = 1_000;

/**
 * Serves in plain Deno, outside the hosted runtime, until SIGTERM or SIGINT, which drain the open sockets first; a second
 * signal ends the process at once.
 */
export function serveStandalone(engine: Engine, handler: RequestHandler): void {
  const { config, connections, log, close } = engine;
  const server = listen(config, handler, ({ hostname, port }) => {
    log.info("listening", { hostname, port, url: `http://${hostname}:${port}/realtime` });
  });

  async function end(signal: Deno.Signal): Promise<void> {
    if (connections.isDraining) Deno.exit(1);
    await connections.drain(signal, config.DRAIN_SECONDS * 1000);
    await close();
    // It waits for ever for a peer that does not answer its close frame and, on Deno 2.9.6, for one that went away before
    // its upgrade was through.
    await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, SHUTDOWN_MS))]);
    Deno.exit(0);
  }

  Deno.addSignalListener("SIGINT", () => void end("SIGINT"));
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => void end("SIGTERM"));
}
