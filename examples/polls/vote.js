// Votes in a poll, and prints its count.
import process from "node:process";
import { connect } from "@realtime-edge/client";
import { WebSocket } from "ws"; // Node 20 has no WebSocket of its own.

const url = process.env.POLL_URL ?? "http://127.0.0.1:8000/realtime/polls/lunch";
const room = connect(url, { token: () => process.env.TOKEN, WebSocket });
await room.live();
try {
  const { offset } = await room.call("vote", { choice: process.argv[2] });
  const { messages } = await room.history({ before: offset + 1, limit: 500 });
  // By user: the last vote counts.
  const votes = new Map(messages.map(({ from, data }) => [from.user, data.choice]));
  const counts = {};
  for (const choice of votes.values()) counts[choice] = (counts[choice] ?? 0) + 1;
  console.log(JSON.stringify(counts));
} catch ({ code, reason, message }) {
  console.log(`${reason ?? code}: ${message}`);
}
await room.close();
