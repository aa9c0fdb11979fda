/** Runs the jobs of the cases `delivery` and `durable`, in a separate process. */
import { serveJobs } from "../../support/processes/serve_jobs.ts";
import { connectBare } from "./store_clients.ts";
import { connectBackplanes } from "./backplanes.ts";
import type { LatencySide, StoreJob } from "./store_job.ts";
import { connectSockets } from "./sockets.ts";
import { measureThroughput } from "./throughput.ts";

/** Publishes one message; resolves when it has been delivered. */
type RoundTrip = () => Promise<void>;

const roundTrips = new Map<LatencySide, RoundTrip>();

async function latencies(roundTrip: RoundTrip, count: number): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedAt = performance.now();
    await roundTrip();
    taken.push(performance.now() - startedAt);
  }
  return taken;
}

await serveJobs(async (given) => {
  const job = given as StoreJob; // from our own driver
  switch (job.type) {
    case "connect":
      roundTrips.set("bare", await connectBare(job.store, job.url));
      roundTrips.set("backplanes", await connectBackplanes(job.store, job.url));
      if (job.rooms) roundTrips.set("sockets", await connectSockets(job.rooms, "rooms.v1"));
      if (job.relays) roundTrips.set("relays", await connectSockets(job.relays, "relay"));
      return;
    case "latencies": {
      const roundTrip = roundTrips.get(job.side);
      if (!roundTrip) throw new Error(`the side ${job.side} is not connected: send a connect job first`);
      return await latencies(roundTrip, job.count);
    }
    case "throughput":
      return await measureThroughput(job);
    default:
      job satisfies never;
  }
});

Deno.exit(0); // connections would keep the process
