/**
 * The load generator of hosted isolates, a process of its own: members that talk at a pace, and bear being sent away.
 *
 * @module
 */
import { serveJobs } from "../../support/processes/serve_jobs.ts";
import { burst } from "./burst.ts";
import { HostedGroup } from "./hosted_group.ts";
import type { HeardResult, HostedJob, JoinResult } from "./hosted_jobs.ts";
import { MortalLoop } from "./mortal_loop.ts";
import { talk } from "./talk.ts";

const loop = new MortalLoop();
const groups = new Map<string, HostedGroup>();

function groupOf(name: string): HostedGroup {
  const group = groups.get(name);
  if (!group) throw new Error(`nobody has joined as ${name}`);
  return group;
}

async function run(job: HostedJob): Promise<JoinResult | HeardResult | undefined> {
  switch (job.type) {
    case "join": {
      const group = groups.get(job.group) ?? new HostedGroup(loop, job);
      groups.set(job.group, group);
      return group.join(job);
    }
    case "talk":
      return await talk(loop, groupOf(job.group), job);
    case "burst":
      return burst(loop, groupOf(job.group), job);
    case "close":
      groupOf(job.group).close();
      groups.delete(job.group);
      return undefined;
    default:
      job satisfies never;
  }
}

await serveJobs((input) => run(input as HostedJob)); // from our own driver

Deno.exit(0); // the loop would keep the process
