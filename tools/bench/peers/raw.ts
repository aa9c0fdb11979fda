/**
 * The least that Deno can do, without a framework, a check or a limit: an echo, or a relay to all
 * members of a room.
 * @module
 */
import { IS_ECHO, LISTEN } from "./listen.ts";

const rooms = new Map<string, Set<WebSocket>>();

function echo(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = (event) => socket.send(`Echo: ${event.data}`);
  return response;
}

function relay(request: Request): Response {
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
}

Deno.serve(LISTEN, IS_ECHO ? echo : relay);
