/**
 * Lower bound of the cost of a message between sockets of two isolates: every message goes through
 * the store's client alone, and from there to every member. Nothing is parsed, ordered, acked or
 * checked.
 * @module
 */
import { openRelay } from "../stores/store_clients.ts";

const members = new Set<WebSocket>();
const store = Deno.env.get("REDIS_URL") === undefined ? "postgres" : "redis";
const url = Deno.env.get("REDIS_URL") ?? Deno.env.get("SUPABASE_DB_URL") ?? "";
const publish = await openRelay(store, url, (text) => {
  for (const member of members) member.send(text);
});

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => void members.add(socket);
  socket.onmessage = (event) => void publish(event.data);
  socket.onclose = () => void members.delete(socket);
  return response;
});
