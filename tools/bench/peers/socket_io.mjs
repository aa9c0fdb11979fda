/**
 * Socket.IO on Node, WebSocket transport only, configured as in its "Performance tuning": an echo,
 * or one room.
 * JavaScript, because the package is only in the directory in NPM_DIRECTORY.
 * @module
 */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const { Server } = createRequire(`${process.env.NPM_DIRECTORY}/`)("socket.io");
const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
// Drops the first request of each connection, which is half of a connection's memory.
io.engine.on("connection", (socket) => {
  socket.request = null;
});
io.on("connection", (socket) => {
  if (process.env.PEER_KIND === "echo") {
    socket.on("chat", (message) => socket.emit("chat", `Echo: ${message}`));
    return;
  }
  socket.join("bench");
  socket.on("chat", (message) => io.to("bench").emit("chat", message));
});
http.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ event: "listening", port: http.address().port }));
});
