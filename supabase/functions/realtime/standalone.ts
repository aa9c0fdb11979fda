import type { Service } from "./service.ts";

/**
 * Serves in plain Deno, outside the hosted runtime: on `HOST` and `PORT`, until SIGTERM or SIGINT, which drain the open
 * sockets first. A second signal ends the process at once.
 */
export function serveStandalone({ config, handler, isolate, log }: Service): void {
  const server = Deno.serve({
    hostname: config.HOST,
    port: config.PORT,
    onListen: ({ hostname, port }) =>
      log.info("listening", { hostname, port, url: `http://${hostname}:${port}/realtime` }),
  }, handler);

  async function end(signal: Deno.Signal): Promise<void> {
    if (isolate.isDraining) Deno.exit(1);
    await isolate.drain(signal, signal === "SIGTERM" ? config.DRAIN_SECONDS * 1000 : 0);
    log.close();
    // A peer that never answers its close frame would keep shutdown() waiting for ever.
    if (isolate.connections === 0) await server.shutdown();
    Deno.exit(0);
  }

  Deno.addSignalListener("SIGINT", () => void end("SIGINT"));
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => void end("SIGTERM"));
}
