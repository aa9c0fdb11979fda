/** Options of `Deno.serve` for a measured server: prints its port, like the function. */
export const LISTEN = {
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }: Deno.NetAddr) => console.log(JSON.stringify({ event: "listening", port })),
} as const;
