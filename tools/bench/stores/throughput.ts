import { draft, openBackplane } from "./backplanes.ts";
import { openBare } from "./store_clients.ts";
import type { StoreJob } from "./store_job.ts";

type ThroughputJob = Extract<StoreJob, { type: "throughput" }>;

/** Measures publishes a second with `inFlight` on their way; the time ends at the last answer. */
export async function measureThroughput(job: ThroughputJob): Promise<number> {
  const { store, url, side, rooms } = job;
  if (side === "bare") {
    const { act, close } = await openBare(store, url);
    await work(job, act, 0.1);
    const rate = await work(job, act);
    await close();
    return rate;
  }
  const backplane = await openBackplane(store, url);
  const publish = (index: number) => backplane.publish(`room-${index % rooms}`, [draft()]);
  await work(job, publish, 0.1);
  const rate = await work(job, publish);
  await backplane.close();
  return rate;
}

async function work(
  { count, inFlight }: ThroughputJob,
  act: (index: number) => Promise<unknown>,
  share = 1,
): Promise<number> {
  const end = Math.ceil(count * share);
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < end) await act(next++);
  }));
  return end / (performance.now() - startedAt) * 1_000;
}
