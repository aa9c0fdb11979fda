/**
 * Lower bound of the cost of batched frames on Deno: the messages of sixteen publishers go to all
 * members as one text. Nothing is parsed, stored, acked or checked, and the number of publishers is
 * fixed, so that no product could use it.
 * @module
 */
import { LISTEN } from "./listen.ts";

/** Number of messages that the bench has in flight. */
const PUBLISHERS = 16;
/** Longer than a batch ever takes to fill; only the last few messages wait that long. */
const WAIT_MS = 50;

const members = new Set<WebSocket>();
let waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const text = `[${waiting.join(",")}]`;
  waiting = [];
  for (const member of members) member.send(text);
}

Deno.serve(LISTEN, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onopen = () => void members.add(socket);
  socket.onmessage = (event) => {
    waiting.push(event.data);
    if (waiting.length >= PUBLISHERS) flush();
    else timer ??= setTimeout(flush, WAIT_MS);
  };
  socket.onclose = () => void members.delete(socket);
  return response;
});
