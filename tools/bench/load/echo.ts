import { encodeText, type Member } from "./member.ts";
import type { SocketLoop } from "./socket_loop.ts";

/** Message of every echo: 100 bytes of JSON; the endpoint adds the prefix. */
const ECHO_TEXT = JSON.stringify({ type: "chat", text: "x".repeat(73) });
const ECHO_PREFIX = "Echo: ";
const TIMEOUT_MS = 60_000;

/** Sends messages on each socket one after the other, each after the echo of the one before. */
export function echo(loop: SocketLoop, members: readonly Member[], messagesPerSocket: number): void {
  let busy = members.length;
  for (const member of members) {
    const { socket } = member;
    const text = member.wrapEcho(ECHO_TEXT);
    const echoFrame = encodeText(text);
    let missing = messagesPerSocket;
    socket.onMessage = (bytes, start, end) => {
      if (member.answerKeepAlive(bytes, start, end)) return;
      if (end - start !== ECHO_PREFIX.length + text.length) {
        throw new Error(`an echo of ${end - start} bytes`);
      }
      if (--missing > 0) socket.send(echoFrame);
      else busy--;
    };
    socket.send(echoFrame);
  }
  loop.runUntil(() => busy === 0, TIMEOUT_MS, () => `${busy} sockets still wait for an echo`);
}
