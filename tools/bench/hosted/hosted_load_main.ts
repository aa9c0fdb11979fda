/**
 * Load generator of hosted isolates, a separate process: members publish periodically, and may be
 * closed by the server.
 * @module
 */
import { serveJobs } from "../../support/processes/serve_jobs.ts";
import { publishBurst } from "./publish_burst.ts";
import { HostedGroup } from "./hosted_group.ts";
import type { HostedJob, JoinResult, TrafficResult } from "./hosted_jobs.ts";
import { TolerantLoop } from "./tolerant_loop.ts";
import { publishPaced } from "./publish_paced.ts";

const loop = new TolerantLoop();
const groups = new Map<string, HostedGroup>();

function groupOf(name: string): HostedGroup {
  const group = groups.get(name);
  if (!group) throw new Error(`the group ${name} is unknown: join it first`);
  return group;
}

async function run(job: HostedJob): Promise<JoinResult | TrafficResult | undefined> {
  switch (job.type) {
    case "join": {
      const group = groups.get(job.group) ?? new HostedGroup(loop, job);
      groups.set(job.group, group);
      return group.join(job);
    }
    case "paced":
      return await publishPaced(loop, groupOf(job.group), job);
    case "burst":
      return publishBurst(loop, groupOf(job.group), job);
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
