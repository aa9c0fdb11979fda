/**
 * The load generator of hosted isolates, a process of its own: members that talk at a pace, and bear being sent away.
 *
 * @module
 */
import { serveJobs } from "../harness/serve_jobs.ts";
import { burst } from "./burst.ts";
import { Crowd } from "./crowd.ts";
import type { HeardResult, HostedJob, JoinResult } from "./load_job.ts";
import { MortalLoop } from "./mortal_loop.ts";
import { talk } from "./talk.ts";

const loop = new MortalLoop();
const crowds = new Map<string, Crowd>();

function crowdOf(group: string): Crowd {
  const crowd = crowds.get(group);
  if (!crowd) throw new Error(`nobody has joined as ${group}`);
  return crowd;
}

async function run(job: HostedJob): Promise<JoinResult | HeardResult | undefined> {
  switch (job.type) {
    case "join": {
      const crowd = crowds.get(job.group) ?? new Crowd(loop, job);
      crowds.set(job.group, crowd);
      return crowd.join(job);
    }
    case "talk":
      return await talk(loop, crowdOf(job.group), job);
    case "burst":
      return burst(loop, crowdOf(job.group), job);
    case "close":
      crowdOf(job.group).close();
      crowds.delete(job.group);
      return undefined;
    default:
      job satisfies never;
  }
}

await serveJobs((input) => run(input as HostedJob)); // from our own driver

Deno.exit(0); // the loop would keep the process
