/**
 * Peer of echo and connect on Bun: `Bun.serve` with its WebSocket handlers, as in its
 * documentation.
 * @module
 */
// Used part of Bun's API. Its type package would be a dependency of this repository.
interface BunSocket {
  send(message: string): number;
}
interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
}
declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: { message(socket: BunSocket, text: string): void };
  }): BunServer;
};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => server.upgrade(request) ? undefined : new Response(null, { status: 400 }),
  websocket: { message: (socket, text) => void socket.send(`Echo: ${text}`) },
});
console.log(JSON.stringify({ event: "listening", port: server.port }));
