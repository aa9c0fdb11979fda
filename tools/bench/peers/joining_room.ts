/**
 * The least that joining frames costs on Deno, to say where the limit is: what sixteen publishers send goes to everybody as one text.
 * Nothing is parsed, stored, acked or checked; there is one room, how many publish is known, and nobody would run it.
 *
 * @module
 */
/** As many as the bench has in flight. */
const PUBLISHERS = 16;
/** Longer than they ever take: only the last ones of all, fewer than sixteen, wait for so long. */
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

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", port })),
}, (request) => {
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
