/** A port of 127.0.0.1 that was free a moment ago, below `limit` where one is given. */
export function freePort(limit = 65_536): number {
  for (;;) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    if (port < limit) return port;
  }
}
