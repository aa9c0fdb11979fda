import type { Config } from "./config_schema.ts";
import type { Service } from "./service.ts";

/** Listens on `HOST` and `PORT`; an address that cannot be had ends the process with a message that says what to change. */
export function listen(
  config: Config,
  handler: Deno.ServeHandler,
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
export function serveStandalone({ config, handler, isolate, log, close }: Service): void {
  const server = listen(config, handler, ({ hostname, port }) => {
    log.info("listening", { hostname, port, url: `http://${hostname}:${port}/realtime` });
  });

  async function end(signal: Deno.Signal): Promise<void> {
    if (isolate.isDraining) Deno.exit(1);
    await isolate.drain(signal, config.DRAIN_SECONDS * 1000);
    await close();
    // It waits for ever for a peer that does not answer its close frame and, on Deno 2.9.6, for one that went away before
    // its upgrade was through.
    await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, SHUTDOWN_MS))]);
    Deno.exit(0);
  }

  Deno.addSignalListener("SIGINT", () => void end("SIGINT"));
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => void end("SIGTERM"));
}
