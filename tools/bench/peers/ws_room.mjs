/**
 * The peer of rooms on Node with ws: broadcasts as its README shows, to a room in place of all clients; bufferutil is
 * installed beside it.
 *
 * JavaScript, since the packages are found below the directory in NPM_DIRECTORY only.
 *
 * @module
 */
import { createRequire } from "node:module";
import process from "node:process";

const { WebSocket, WebSocketServer } = createRequire(`${process.env.NPM_DIRECTORY}/`)("ws");
const rooms = new Map();
// It tracks the members of its rooms: a second set of all of them would be memory for nothing.
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
