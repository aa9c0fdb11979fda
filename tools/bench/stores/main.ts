/** Runs the jobs of the cases `delivery` and `durable`, in a separate process. */
import { serveJobs } from "../../support/processes/serve_jobs.ts";
import { join } from "../harness/join.ts";
import { DIALECTS, MESSAGE_MARKER } from "../load/dialect.ts";
import { openBackplane, publishOne } from "./backplanes.ts";
import { openBareRelay, openBareWriter } from "./bare_clients.ts";
import { DATA, type LatencySide, type StoreJob, type StoreJobOf } from "./job.ts";

/** Publishes one message. */
type Publish = () => unknown;

const publishers = new Map<LatencySide, Publish>();
/** Resolves when the message under way has been delivered. */
let arrival = Promise.withResolvers<void>();

async function connect({ store, url, rooms }: StoreJobOf<"connect">): Promise<void> {
  const deliver = (): void => arrival.resolve();
  publishers.set("bare", await openBareRelay(store, url, deliver));
  const [from, to] = [await openBackplane(store, url), await openBackplane(store, url)];
  await to.subscribe("backplanes", (event) => {
    if (event.type === "messages") deliver();
  });
  publishers.set("backplanes", () => publishOne(from, "backplanes"));
  const publisher = await join(rooms[0], "rooms.v1");
  await join(rooms[1], "rooms.v1", (text) => {
    if (text.includes(MESSAGE_MARKER)) deliver();
  });
  const { publish } = DIALECTS["rooms.v1"];
  publishers.set("sockets", () => publisher.send(publish(crypto.randomUUID(), DATA)));
}

async function measureLatencies(publish: Publish, count: number): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < count; index++) {
    arrival = Promise.withResolvers();
    const startedAt = performance.now();
    await Promise.all([publish(), arrival.promise]);
    taken.push(performance.now() - startedAt);
  }
  return taken;
}

/** Measures publishes a second with `inFlight` on their way; the time ends at the last answer. */
async function measureThroughput(
  { store, url, side, rooms, count, inFlight }: StoreJobOf<"throughput">,
): Promise<number> {
  const backplane = side === "backplane" ? await openBackplane(store, url) : undefined;
  const writer = backplane ? undefined : await openBareWriter(store, url);
  const write = (index: number): Promise<unknown> | undefined =>
    backplane ? publishOne(backplane, `room-${index % rooms}`) : writer?.write();
  const rateOf = async (end: number): Promise<number> => {
    let next = 0;
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: inFlight }, async () => {
      while (next < end) await write(next++);
    }));
    return end / (performance.now() - startedAt) * 1_000;
  };
  await rateOf(Math.ceil(count / 10)); // warms up
  const rate = await rateOf(count);
  await backplane?.close();
  await writer?.close();
  return rate;
}

await serveJobs(async (given) => {
  const job = given as StoreJob; // from our own driver
  switch (job.type) {
    case "connect":
      return await connect(job);
    case "latencies": {
      const publish = publishers.get(job.side);
      if (!publish) throw new Error(`the side ${job.side} is not connected: send a connect job first`);
      return await measureLatencies(publish, job.count);
    }
    case "throughput":
      return await measureThroughput(job);
    default:
      job satisfies never;
  }
});

Deno.exit(0); // connections would keep the process
