/**
 * Hono's WebSocket helper for Deno, as in its documentation: an echo, or a relay as in raw.ts.
 * @module
 */
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/deno";
import type { WSContext } from "hono/ws";
import { LISTEN } from "./listen.ts";

const rooms = new Map<string, Set<WSContext<WebSocket>>>();

const app = new Hono();

app.get(
  "/realtime/echo",
  upgradeWebSocket(() => ({
    onMessage: (event, socket) => socket.send(`Echo: ${event.data}`),
  })),
);

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

Deno.serve(LISTEN, app.fetch);
