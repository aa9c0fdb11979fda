/**
 * The function as the hosted runtime starts it: with an `EdgeRuntime`, and a `Deno.serve` that the host decides the address
 * of. Run it with startFunctionProcess. It logs `listening`, as the standalone process does; `host.wait_until` when it is
 * given a promise to wait for and `host.settled` when one settles; and on SIGUSR2 it dispatches `beforeunload` with the
 * reason in UNLOAD_REASON, as the host does before it ends the isolate.
 */
function say(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  console.log(JSON.stringify({ event, ...fields }));
}

Object.assign(globalThis, {
  EdgeRuntime: {
    waitUntil(promise: Promise<void>): void {
      say("host.wait_until");
      void promise.then(() => say("host.settled"));
    },
  },
});

const serve = Deno.serve;
// Deno 2.1.4 listens on port 8000 whatever the environment says (2.9.6 reads DENO_SERVE_ADDRESS).
Object.defineProperty(Deno, "serve", {
  value: (handler: Deno.ServeHandler) =>
    serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: ({ port }) => say("listening", { port }),
    }, handler),
});

Deno.addSignalListener("SIGUSR2", () => {
  const reason = Deno.env.get("UNLOAD_REASON");
  dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
});

await import("../../../supabase/functions/realtime/index.ts");
