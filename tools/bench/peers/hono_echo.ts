/**
 * Peer of echo and connect with Hono: its WebSocket helper for Deno, as in its documentation.
 * @module
 */
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/deno";

const app = new Hono();

app.get(
  "/realtime/echo",
  upgradeWebSocket(() => ({
    onMessage: (event, socket) => socket.send(`Echo: ${event.data}`),
  })),
);

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, app.fetch);
