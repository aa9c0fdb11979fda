/**
 * Peer of rooms on Deno: a few lines over `Deno.upgradeWebSocket`, without a check, a limit or a
 * history.
 * @module
 */
const rooms = new Map<string, Set<WebSocket>>();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, (request) => {
  const { pathname } = new URL(request.url);
  const members = rooms.get(pathname) ?? new Set();
  rooms.set(pathname, members);
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => void members.add(socket);
  socket.onmessage = (event) => {
    for (const member of members) member.send(event.data);
  };
  socket.onclose = () => void members.delete(socket);
  return response;
});
