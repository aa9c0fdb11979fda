/**
 * Peer of rooms on Node with ws: broadcasts as in its README, to a room instead of all clients,
 * with bufferutil.
 * JavaScript, because the packages are only in the directory in NPM_DIRECTORY.
 * @module
 */
import { createRequire } from "node:module";
import process from "node:process";

const { WebSocket, WebSocketServer } = createRequire(`${process.env.NPM_DIRECTORY}/`)("ws");
const rooms = new Map();
// The rooms track their members; a second set of all clients would waste memory.
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, clientTracking: false });
server.on("connection", (socket, request) => {
  const { pathname } = new URL(request.url, "ws://127.0.0.1");
  const members = rooms.get(pathname) ?? new Set();
  rooms.set(pathname, members);
  members.add(socket);
  socket.on("error", console.error);
  socket.on("message", (data, isBinary) => {
    for (const member of members) {
      if (member.readyState === WebSocket.OPEN) member.send(data, { binary: isBinary });
    }
  });
  socket.on("close", () => members.delete(socket));
});
server.on("listening", () => {
  console.log(JSON.stringify({ event: "listening", port: server.address().port }));
});
