/**
 * The least that Deno can do, without a framework, a check or a limit, by PEER_KIND: an echo, a
 * relay to all members of a room, or a relay that joins messages. The last is a lower bound of
 * batched frames: its number of publishers is fixed, so that no product could use it.
 * @module
 */
import { LISTEN } from "./listen.ts";

/** Number of messages that are joined, which the bench has in flight. */
const PUBLISHERS = 16;
/** Longer than a batch ever takes to fill; only the last few messages wait that long. */
const WAIT_MS = 50;

type Members = Set<WebSocket>;

function echo(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = (event) => socket.send(`Echo: ${event.data}`);
  return response;
}

const rooms = new Map<string, Members>();

function relayTo(send: (members: Members, text: string) => void): Deno.ServeHandler {
  return (request) => {
    const { pathname } = new URL(request.url);
    const members = rooms.get(pathname) ?? new Set();
    rooms.set(pathname, members);
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => void members.add(socket);
    socket.onmessage = (event) => send(members, event.data);
    socket.onclose = () => void members.delete(socket);
    return response;
  };
}

function sendAtOnce(members: Members, text: string): void {
  for (const member of members) member.send(text);
}

let waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

function sendJoined(members: Members, text: string): void {
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    sendAtOnce(members, `[${waiting.join(",")}]`);
    waiting = [];
  };
  waiting.push(text);
  if (waiting.length >= PUBLISHERS) flush();
  else timer ??= setTimeout(flush, WAIT_MS);
}

const KINDS: Readonly<Record<string, Deno.ServeHandler>> = {
  echo,
  room: relayTo(sendAtOnce),
  joining: relayTo(sendJoined),
};
Deno.serve(LISTEN, KINDS[Deno.env.get("PEER_KIND") ?? ""] ?? echo);
