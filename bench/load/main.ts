/**
 * The load generator, a process of its own: opens sockets, keeps one message in flight on each, closes them.
 *
 * @module
 */
import { serveJobs } from "../harness/serve_jobs.ts";
import { encodeClientFrame, Opcode } from "./frames.ts";
import { ECHO_PREFIX, ECHO_TEXT, type LoadJob } from "./job.ts";
import { RawSocket } from "./raw_socket.ts";

const groups = new Map<string, RawSocket[]>();
const echoFrame = encodeClientFrame(Opcode.text, new TextEncoder().encode(ECHO_TEXT));

async function open(urls: readonly string[], concurrency: number): Promise<RawSocket[]> {
  const sockets: RawSocket[] = [];
  const waiting = urls.values();
  const connectSome = async (): Promise<void> => {
    for (const url of waiting) sockets.push(await RawSocket.connect(new URL(url)));
  };
  await Promise.all(Array.from({ length: concurrency }, connectSome));
  return sockets;
}

/** Sends `messages` one after the other, each when the one before has come back. */
function echo(socket: RawSocket, messages: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let missing = messages;
  socket.onMessage = (bytes) => {
    if (bytes !== ECHO_PREFIX.length + ECHO_TEXT.length) reject(new Error(`an echo of ${bytes} bytes`));
    else if (--missing > 0) socket.send(echoFrame);
    else resolve();
  };
  socket.ended.catch(reject);
  socket.send(echoFrame);
  return promise;
}

await serveJobs(async (input) => {
  const job = input as LoadJob; // from our own driver
  const sockets = groups.get(job.group) ?? [];
  switch (job.type) {
    case "open":
      groups.set(job.group, await open(job.urls, job.concurrency));
      return;
    case "echo":
      await Promise.all(sockets.map((socket) => echo(socket, job.messagesPerSocket)));
      return;
    case "close":
      groups.delete(job.group);
      await Promise.all(sockets.map((socket) => socket.close()));
      return;
    default:
      job satisfies never;
  }
});
