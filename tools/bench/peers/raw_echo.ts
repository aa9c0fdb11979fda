/**
 * Peer of echo and connect: the least that Deno can do, without a framework, a check or a limit.
 * @module
 */
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = (event) => socket.send(`Echo: ${event.data}`);
  return response;
});
