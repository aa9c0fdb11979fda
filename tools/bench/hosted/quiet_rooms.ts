import type { CaseContext } from "../cases/context.ts";
import { HostedIsolate } from "./hosted_isolate.ts";
import { HostedLoad } from "./hosted_load.ts";
import type { ClientDialect, TrafficResult } from "./hosted_jobs.ts";

/** Rooms with little traffic, all in one isolate. */
export interface QuietRooms {
  readonly members: number;
  readonly roomSize: number;
  readonly dialect: ClientDialect;
  /** Milliseconds between two messages of one member; Infinity for no messages. */
  readonly everyMs: number;
  readonly heartbeatMs: number;
}

/** Cost of quiet rooms. */
export interface QuietCost {
  /** CPU once all members had joined, in milliseconds. */
  readonly joinedCpuMs: number;
  readonly cpuMsPerSecond: number;
  readonly traffic: TrafficResult;
}

const GROUP = "quiet";
const CONCURRENCY = 5;
/**
 * Share of the heartbeat without a frame after which the function sends a heartbeat to a member.
 */
const OWN_HEARTBEAT = 0.7;
const MARGIN_MS = 500;

/** Isolate with quiet rooms, all members joined. `await using` ends it. */
interface QuietIsolate extends AsyncDisposable {
  /**
   * Measures the CPU over one heartbeat, pings and heartbeats included. Starts after the first
   * round of the function's own heartbeats, which all come at once after joining. `seed` decides
   * the moments of publishing.
   */
  watch(seed: number): Promise<QuietCost>;
}

/** Starts an isolate and joins all members. @throws {Error} if a member cannot join */
export async function openQuietRooms(
  context: Pick<CaseContext, "deno" | "issuer" | "ours">,
  { tokens, rooms }: { readonly tokens: readonly string[]; readonly rooms: QuietRooms },
): Promise<QuietIsolate> {
  const { members, roomSize, dialect, heartbeatMs } = rooms;
  await using parts = new AsyncDisposableStack();
  const isolate = parts.use(
    await HostedIsolate.start(context, { env: { HEARTBEAT_MS: String(heartbeatMs) } }),
  );
  // Each isolate has its own load generator, so that several can be measured at once: most of the
  // time is waiting.
  const load = parts.use(await HostedLoad.start());
  const urls = isolate.roomUrls("quiet", tokens.slice(0, members), roomSize);
  await load.joinAll({ group: GROUP, urls, dialect, messageKind: "chat", concurrency: CONCURRENCY });
  const joinedCpuMs = isolate.now.cpuMs;
  if (isolate.event("retired")) {
    throw new Error("the isolate was retired before all members had joined: use fewer members");
  }
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
  const publishing = load.publishPaced({
    group: GROUP,
    publishers: everyMs === Infinity ? 0 : members,
    everyMs: Math.min(everyMs, Number.MAX_SAFE_INTEGER),
    pingEveryMs: heartbeatMs,
    forMs: settleMs + heartbeatMs,
    seed,
  });
  await Promise.race([publishing, new Promise((resolve) => setTimeout(resolve, settleMs))]);
  const before = isolate.now;
  const traffic = await publishing;
  const after = isolate.now;
  if (traffic.isEnded) throw new Error("the isolate ended during the measurement of quiet rooms");
  const cpuMsPerSecond = (after.cpuMs - before.cpuMs) / (after.ageMs - before.ageMs) * 1_000;
  return { cpuMsPerSecond, traffic };
}
