/**
 * Peer of echo on Node with Socket.IO, configured like socket_io_room.mjs.
 * @module
 */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const { Server } = createRequire(`${process.env.NPM_DIRECTORY}/`)("socket.io");
const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
io.engine.on("connection", (socket) => {
  socket.request = null;
});
io.on("connection", (socket) => {
  socket.on("chat", (message) => socket.emit("chat", `Echo: ${message}`));
});
http.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ event: "listening", port: http.address().port }));
});
