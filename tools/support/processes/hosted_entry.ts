/**
 * Starts the function like the hosted runtime: with an `EdgeRuntime`, and a `Deno.serve` on the
 * host's address. Run it with startFunctionProcess. Logs `listening` like the standalone process,
 * `host.wait_until` for each promise of `waitUntil`, and `host.settled` once that settles. On
 * SIGUSR2 dispatches `beforeunload` with the reason in UNLOAD_REASON, like the host before the end
 * of an isolate.
 */
function log(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  console.log(JSON.stringify({ event, ...fields }));
}

Object.assign(globalThis, {
  EdgeRuntime: {
    waitUntil(promise: Promise<void>): void {
      log("host.wait_until");
      void promise.then(() => log("host.settled"));
    },
  },
});

const serve = Deno.serve;
// Deno 2.1.4 always listens on port 8000; 2.9.6 reads DENO_SERVE_ADDRESS.
Object.defineProperty(Deno, "serve", {
  value: (handler: Deno.ServeHandler) =>
    serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: ({ port }) => log("listening", { port }),
    }, handler),
});

Deno.addSignalListener("SIGUSR2", () => {
  const reason = Deno.env.get("UNLOAD_REASON");
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
});

await import("../../../supabase/functions/realtime/index.ts");
