/**
 * Peer of echo and connect on Node: ws, as in its README, with bufferutil.
 * JavaScript, because the packages are only in the directory in NPM_DIRECTORY.
 * @module
 */
import { createRequire } from "node:module";
import process from "node:process";

const { WebSocketServer } = createRequire(`${process.env.NPM_DIRECTORY}/`)("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, clientTracking: false });
server.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", (data) => socket.send(`Echo: ${data}`));
});
server.on("listening", () => {
  console.log(JSON.stringify({ event: "listening", port: server.address().port }));
});
