/**
 * `Bun.serve` with its WebSocket handlers, as in its documentation: an echo, or rooms by its native
 * publish and subscribe.
 * @module
 */
import process from "node:process";

// Used part of Bun's API. Its type package would be a dependency of this repository.
interface BunSocket {
  readonly data: { readonly room: string };
  send(message: string): number;
  subscribe(topic: string): void;
}
interface Handlers {
  open?(socket: BunSocket): void;
  message(socket: BunSocket, text: string): void;
}
interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { data: BunSocket["data"] }): boolean;
  publish(topic: string, message: string): number;
}
declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: Handlers;
  }): BunServer;
};

const echo: Handlers = { message: (socket, text) => void socket.send(`Echo: ${text}`) };
const relay: Handlers = {
  open: (socket) => socket.subscribe(socket.data.room),
  message: (socket, text) => void server.publish(socket.data.room, text),
};
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const { pathname: room } = new URL(request.url);
    return server.upgrade(request, { data: { room } }) ? undefined : new Response(null, { status: 400 });
  },
  websocket: process.env["PEER_KIND"] === "echo" ? echo : relay,
});
console.log(JSON.stringify({ event: "listening", port: server.port }));
