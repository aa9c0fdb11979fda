import type { CaseContext } from "../cases/context.ts";
import { HostedIsolate } from "./hosted_isolate.ts";
import { HostedLoad } from "./hosted_load.ts";
import type { HeardResult, Speech } from "./hosted_jobs.ts";

/** Rooms with little going on, all of an isolate's. */
export interface QuietRooms {
  readonly members: number;
  readonly roomSize: number;
  readonly speech: Speech;
  /** Milliseconds between two messages of one member; Infinity: nobody says anything. */
  readonly everyMs: number;
  readonly heartbeatMs: number;
}

/** What quiet rooms cost. */
export interface QuietCost {
  /** CPU when all were in, in milliseconds. */
  readonly joinedCpuMs: number;
  readonly cpuMsPerSecond: number;
  readonly heard: HeardResult;
}

const GROUP = "quiet";
const CONCURRENCY = 5;
/** After this part of a heartbeat in which it has sent a member nothing the function shows that it is there. */
const OWN_HEARTBEAT = 0.7;
const MARGIN_MS = 500;

/** An isolate with quiet rooms, everybody in. `await using` ends it. */
export interface QuietIsolate extends AsyncDisposable {
  /**
   * Measures what it uses, pings and heartbeats included: over one heartbeat, begun when the first round of the function's own, which
   * all come at once after joining, has passed. `seed` decides who says something when.
   */
  watch(seed: number): Promise<QuietCost>;
}

/** Boots an isolate and has everybody join. @throws {Error} when not everybody gets in */
export async function openQuietRooms(
  context: Pick<CaseContext, "deno" | "issuer" | "ours">,
  { tokens, rooms }: { readonly tokens: readonly string[]; readonly rooms: QuietRooms },
): Promise<QuietIsolate> {
  const { members, roomSize, speech, heartbeatMs } = rooms;
  await using parts = new AsyncDisposableStack();
  const isolate = parts.use(
    await HostedIsolate.start(context, { env: { HEARTBEAT_MS: String(heartbeatMs) } }),
  );
  // One each, so that several can be watched at a time: most of it is waiting.
  const load = parts.use(await HostedLoad.start());
  const urls = isolate.roomUrls("quiet", tokens.slice(0, members), roomSize);
  await load.joinAll({ group: GROUP, urls, speech, says: "chat", concurrency: CONCURRENCY });
  const joinedCpuMs = isolate.now.cpuMs;
  if (isolate.event("retired")) throw new Error("the isolate takes no more requests");
  const kept = parts.move();
  return {
    watch: async (seed) => ({ joinedCpuMs, ...await watch(isolate, load, { rooms, seed }) }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function watch(
  isolate: HostedIsolate,
  load: HostedLoad,
  { rooms, seed }: { readonly rooms: QuietRooms; readonly seed: number },
): Promise<Omit<QuietCost, "joinedCpuMs">> {
  const { members, everyMs, heartbeatMs } = rooms;
  const settleMs = heartbeatMs * OWN_HEARTBEAT + MARGIN_MS;
  const talking = load.talk({
    group: GROUP,
    talkers: everyMs === Infinity ? 0 : members,
    everyMs: Math.min(everyMs, Number.MAX_SAFE_INTEGER),
    pingEveryMs: heartbeatMs,
    forMs: settleMs + heartbeatMs,
    seed,
  });
  await Promise.race([talking, new Promise((resolve) => setTimeout(resolve, settleMs))]);
  const before = isolate.now;
  const heard = await talking;
  const after = isolate.now;
  if (heard.isEnded) throw new Error("the isolate has ended");
  const cpuMsPerSecond = (after.cpuMs - before.cpuMs) / (after.ageMs - before.ageMs) * 1_000;
  return { cpuMsPerSecond, heard };
}
