import { type RunningServer, type StartOptions, startServer } from "../../support/running_server.ts";

/**
 * Starts a service that stops at once. Deno 2.9.6 waits for ever for peers that left within their
 * handshake, as clients behind a faulty network do.
 */
export async function startStoppable(options: Omit<StartOptions, "signal"> = {}): Promise<RunningServer> {
  const over = new AbortController();
  const running = await startServer({ ...options, signal: over.signal });
  return {
    ...running,
    async [Symbol.asyncDispose]() {
      over.abort();
      await running[Symbol.asyncDispose]();
    },
  };
}
