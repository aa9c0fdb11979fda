/**
 * Peer of rooms with Hono: its WebSocket helper for Deno, and a relay as in raw_room.ts.
 * @module
 */
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/deno";
import type { WSContext } from "hono/ws";

const rooms = new Map<string, Set<WSContext<WebSocket>>>();

const app = new Hono();

app.get(
  "/realtime/rooms/:room",
  upgradeWebSocket((context) => {
    const { path } = context.req;
    const members = rooms.get(path) ?? new Set();
    rooms.set(path, members);
    return {
      onOpen: (_event, socket) => void members.add(socket),
      onMessage(event) {
        for (const member of members) member.send(String(event.data));
      },
      onClose: (_event, socket) => void members.delete(socket),
    };
  }),
);

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, app.fetch);
