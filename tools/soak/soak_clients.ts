import { delay } from "@std/async";
import type { LoadProgress, MemberReport } from "./soak_jobs.ts";
import { SoakLoad } from "./soak_load.ts";
import { looksExact, type PresenceView } from "./presence_view.ts";
import type { MemberJob } from "./soak_member.ts";

/** Pause between two checks of a condition. */
const LOOK_EVERY_MS = 200;

/** Spread of the clients over processes. */
export interface SoakClientsOptions {
  readonly jobs: readonly MemberJob[];
  /** Members that will vanish: their process is killed. They publish nothing, since their account goes with them. */
  readonly doomed: readonly MemberJob[];
  readonly processes: number;
}

/** All clients, in processes of their own. `await using` ends them. */
export class SoakClients implements AsyncDisposable {
  readonly #jobs: readonly MemberJob[];
  readonly #processes: readonly { readonly process: SoakLoad; readonly jobs: readonly MemberJob[] }[];
  readonly #doomed: SoakLoad | undefined;
  readonly #doomedJobs: readonly MemberJob[];

  private constructor({ jobs, doomed }: SoakClientsOptions, loads: readonly SoakLoad[]) {
    const [doomedLoad, ...others] = doomed.length > 0 ? loads : [undefined, ...loads];
    this.#jobs = jobs;
    this.#processes = others.flatMap((process, at) =>
      process ? [{ process, jobs: jobs.filter((_, index) => index % others.length === at) }] : []
    );
    this.#doomed = doomedLoad;
    this.#doomedJobs = doomed;
  }

  /** Starts the processes. @throws {Error} when one of them does not start */
  static async start(options: SoakClientsOptions): Promise<SoakClients> {
    const count = options.processes + (options.doomed.length > 0 ? 1 : 0);
    const starting = await Promise.allSettled(Array.from({ length: count }, () => SoakLoad.start()));
    const loads = starting.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    const failed = starting.find((one) => one.status === "rejected");
    if (!failed) return new SoakClients(options, loads);
    await Promise.all(loads.map((load) => load[Symbol.asyncDispose]()));
    throw failed.reason;
  }

  /** Connects everybody, so many at a time; resolves when all are live and present. */
  async join(atOnce: number): Promise<void> {
    const each = Math.max(1, Math.floor(atOnce / this.#processes.length));
    await this.#doomed?.ask({ type: "join", members: this.#doomedJobs, atOnce: each });
    await Promise.all(
      this.#processes.map(({ process, jobs }) => process.ask({ type: "join", members: jobs, atOnce: each })),
    );
  }

  /** Begins to publish, so many messages a second together. */
  async publish(perSecond: number, seed: number): Promise<void> {
    const each = perSecond / this.#processes.length;
    await Promise.all(
      this.#processes.map(({ process }, at) =>
        process.ask({ type: "publish", perSecond: each, seed: seed + at })
      ),
    );
  }

  /** Sum over all processes except the doomed one. */
  async progress(): Promise<LoadProgress> {
    const all = await Promise.all(this.#processes.map(({ process }) => process.ask({ type: "progress" })));
    const sum = (of: (one: LoadProgress) => number) => all.reduce((total, one) => total + of(one), 0);
    return {
      members: sum(({ members }) => members),
      live: sum(({ live }) => live),
      published: sum(({ published }) => published),
      pending: sum(({ pending }) => pending),
      delivered: sum(({ delivered }) => delivered),
      reconnects: sum(({ reconnects }) => reconnects),
    };
  }

  /** These say goodbye for good. */
  async leave(members: readonly number[]): Promise<void> {
    await Promise.all(this.#processes.map(({ process, jobs }) => {
      const own = jobs.map(({ member }) => member).filter((member) => members.includes(member));
      return process.ask({ type: "leave", members: own });
    }));
  }

  /** The doomed vanish; returns who they were, and when, in milliseconds since 1970. */
  async vanish(): Promise<ReadonlyMap<number, number>> {
    const at = Date.now();
    await this.#doomed?.[Symbol.asyncDispose]();
    return new Map(this.#doomedJobs.map(({ member }) => [member, at]));
  }

  /** Nobody publishes any more. */
  async stop(): Promise<void> {
    await this.#heads();
  }

  /** Waits until everybody has everything and every message is answered; returns how long that took, in milliseconds, or null when it did not come true. */
  async untilCaughtUp(patienceMs: number): Promise<number | null> {
    return await within(patienceMs, async () => {
      // A message that is stored late moves a head.
      const heads = await this.#heads();
      const behind = await Promise.all(
        this.#processes.map(({ process }) => process.ask({ type: "behind", heads })),
      );
      return behind.every((count) => count === 0);
    });
  }

  /**
   * Waits until in every room there was a moment at which everybody saw exactly who was connected. Returns what is seen in rooms for which that
   * did not come true.
   */
  async untilPresent(
    patienceMs: number,
  ): Promise<{ readonly tookMs: number | null; readonly inexact: readonly PresenceView[][] }> {
    const open = new Set(this.#jobs.map(({ room }) => room));
    const tookMs = await within(patienceMs, async () => {
      const all = await Promise.all(
        this.#processes.map(({ process }) => process.ask({ type: "glimpses" })),
      );
      const glimpses = Map.groupBy(all.flat(), ({ room }) => room);
      for (const room of open) if (looksExact(glimpses.get(room) ?? [])) open.delete(room);
      return open.size === 0;
    });
    if (tookMs !== null) return { tookMs, inexact: [] };
    const rooms = [...open];
    const all = await Promise.all(
      this.#processes.map(({ process }) => process.ask({ type: "views", rooms })),
    );
    const views = Map.groupBy(all.flat(), ({ room }) => room);
    return { tookMs, inexact: rooms.map((room) => views.get(room) ?? []) };
  }

  /** Reports of all clients except the doomed ones. */
  async reports(): Promise<MemberReport[]> {
    const all = await Promise.all(this.#processes.map(async ({ process, jobs }) => {
      const reports: MemberReport[] = [];
      for (const { member } of jobs) reports.push(await process.ask({ type: "account", member }));
      return reports;
    }));
    return all.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.#doomed, ...this.#processes.map(({ process }) => process)];
    await Promise.all(all.map((one) => one?.[Symbol.asyncDispose]()));
  }

  async #heads(): Promise<Record<string, number>> {
    const all = await Promise.all(this.#processes.map(({ process }) => process.ask({ type: "stop" })));
    const heads: Record<string, number> = {};
    for (const [room, head] of all.flatMap((one) => Object.entries(one))) {
      heads[room] = Math.max(heads[room] ?? 0, head);
    }
    return heads;
  }
}

/** Looks again and again until it is so; returns after how many milliseconds it was, or null. */
async function within(patienceMs: number, isSo: () => Promise<boolean>): Promise<number | null> {
  const begunAt = performance.now();
  for (;;) {
    if (await isSo()) return performance.now() - begunAt;
    if (performance.now() - begunAt > patienceMs) return null;
    await delay(LOOK_EVERY_MS);
  }
}
