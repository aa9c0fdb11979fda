import { type RunningServer, type StartOptions, startServer } from "../../support/running_server.ts";

/**
 * A service that stops at once, whatever is under way: Deno 2.9.6 waits for ever for peers that left within their handshake, which is
 * what clients behind a faulty network do.
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
