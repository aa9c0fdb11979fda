/**
 * Entry point of the load generator's process: opens sockets, keeps messages in flight, closes.
 *
 * @module
 */
import { serveJobs } from "../../support/processes/serve_jobs.ts";
import { echo } from "./echo.ts";
import { fanOut } from "./fan_out.ts";
import type { FanOutResult, LoadAnswer, LoadJob } from "./job.ts";
import type { Member } from "./member.ts";
import { open } from "./open.ts";
import { SocketLoop } from "./socket_loop.ts";
import { startUseWatch } from "./use_watch.ts";

const CLOSE_TIMEOUT_MS = 20_000;

const loop = new SocketLoop();
const groups = new Map<string, Member[]>();

function close(members: readonly Member[]): void {
  for (const { socket } of members) socket.close();
  const open = (): number => members.filter(({ socket }) => !socket.isClosed).length;
  loop.runUntil(() => open() === 0, CLOSE_TIMEOUT_MS, () => `${open()} sockets are still open`);
}

function run(job: LoadJob): FanOutResult | undefined {
  const members = groups.get(job.group) ?? [];
  switch (job.type) {
    case "open":
      groups.set(job.group, [...members, ...open(loop, job)]);
      return;
    case "echo":
      echo(loop, members, job.messagesPerSocket);
      return;
    case "fan-out":
      return fanOut(loop, members, job);
    case "close":
      groups.delete(job.group);
      close(members);
      return;
    default:
      job satisfies never;
  }
}

await serveJobs((input): LoadAnswer => {
  const job = input as LoadJob; // sent by cases/measured_load.ts
  const watch = startUseWatch(loop);
  const result = run(job);
  const sockets = job.type === "open" ? job.urls.length : groups.get(job.group)?.length ?? 0;
  return { use: watch(sockets), ...(result ? { result } : {}) };
});

Deno.exit(0); // the loop's timer keeps the process alive
