// Prints what the room has received since the last run, says a line, and lists who is present.
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { connect } from "@realtime-edge/client";
import { WebSocket } from "ws"; // Node 20 has no WebSocket of its own.

const url = process.env.ROOM_URL ?? "http://127.0.0.1:8000/realtime/rooms/lobby";
const text = process.argv[2] ?? "hello";
const POSITION_FILE = "position.json";

// The position of the last run. With it the server replays what this process has missed.
const resume = await readFile(POSITION_FILE, "utf8").then(JSON.parse, () => undefined);

const room = connect(url, {
  token: () => process.env.TOKEN,
  WebSocket,
  ...(resume && { resume }),
});
room.on("gap", ({ from, to }) => console.log(`lost for good: ${from} to ${to ?? "?"}`));
room.onMessage("chat", ({ offset, from, data }) => console.log(`${offset} ${from.user}: ${data.text}`));

const { user, recovered } = await room.live();
console.log(`live as ${user}${recovered ? ", nothing missed" : ""}`);

await room.presence.enter({ status: "talking" });
console.log(`present: ${[...room.presence.users.keys()].join(", ")}`);

// Resolves once the server has stored the message.
const offset = await room.publish("chat", { text });
console.log(`stored as ${offset}`);

const { messages } = await room.history({ before: offset + 1, limit: 3 });
console.log(`last in history: ${messages.map(({ data }) => data.text).join(", ")}`);

await writeFile(POSITION_FILE, JSON.stringify(room.position));
await room.close();
