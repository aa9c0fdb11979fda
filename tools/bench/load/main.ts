/**
 * Entry point of the load generator's process: opens sockets, keeps messages in flight, closes.
 * @module
 */
import { serveJobs } from "../../support/processes/serve_jobs.ts";
import { publishBurst } from "./burst.ts";
import { echo } from "./echo.ts";
import { fanOut } from "./fan_out.ts";
import type { LoadAnswer, LoadJob, LoadResult } from "./job.ts";
import type { Member } from "./member.ts";
import { close, open } from "./open.ts";
import { publishPaced } from "./paced.ts";
import { SocketLoop } from "./socket_loop.ts";

const loop = new SocketLoop();
const groups = new Map<string, Member[]>();

async function run(job: LoadJob): Promise<LoadResult<LoadJob>> {
  const members = groups.get(job.group) ?? [];
  groups.set(job.group, members);
  switch (job.type) {
    case "open":
      return open(loop, members, job);
    case "echo":
      echo(loop, members, job.messagesPerSocket);
      return undefined;
    case "fan-out":
      return fanOut(loop, members, job);
    case "burst":
      return publishBurst(loop, members, job);
    case "paced":
      return await publishPaced(loop, members, job);
    case "close":
      groups.delete(job.group);
      close(loop, members);
      return undefined;
    default:
      job satisfies never;
  }
}

await serveJobs(async (input): Promise<LoadAnswer<LoadJob>> => {
  const startedAt = performance.now();
  const idleBefore = loop.idleMs;
  const result = await run(input as LoadJob); // sent by harness/load.ts
  const busyMs = Math.max(0, performance.now() - startedAt - (loop.idleMs - idleBefore));
  return { busyMs, result };
});

Deno.exit(0); // the loop's timer keeps the process alive
