import { delay } from "@std/async";
import type { LoadProgress, MemberReport } from "./soak_jobs.ts";
import { SoakLoad } from "./soak_load.ts";
import { areDigestsExact, type PresenceView } from "./presence_view.ts";
import type { MemberJob } from "./soak_member.ts";

/** Pause between two checks of a condition. */
const CHECK_EVERY_MS = 200;

/** Distribution of the clients over processes. */
interface SoakClientsOptions {
  readonly jobs: readonly MemberJob[];
  /**
   * Members whose process is killed at the end. They publish nothing, because their account is
   * lost.
   */
  readonly vanishing: readonly MemberJob[];
  readonly processes: number;
}

/** All clients, in separate processes. `await using` ends them. */
export class SoakClients implements AsyncDisposable {
  readonly #jobs: readonly MemberJob[];
  readonly #processes: readonly { readonly process: SoakLoad; readonly jobs: readonly MemberJob[] }[];
  readonly #vanishing: SoakLoad | undefined;
  readonly #vanishingJobs: readonly MemberJob[];

  private constructor({ jobs, vanishing }: SoakClientsOptions, loads: readonly SoakLoad[]) {
    const [vanishingLoad, ...others] = vanishing.length > 0 ? loads : [undefined, ...loads];
    this.#jobs = jobs;
    this.#processes = others.flatMap((process, at) =>
      process ? [{ process, jobs: jobs.filter(({ member }) => member % others.length === at) }] : []
    );
    this.#vanishing = vanishingLoad;
    this.#vanishingJobs = vanishing;
  }

  /** Starts the processes. @throws {Error} if one does not start */
  static async start(options: SoakClientsOptions): Promise<SoakClients> {
    const count = options.processes + (options.vanishing.length > 0 ? 1 : 0);
    const starting = await Promise.allSettled(Array.from({ length: count }, () => SoakLoad.start()));
    const loads = starting.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    const failed = starting.find((one) => one.status === "rejected");
    if (!failed) return new SoakClients(options, loads);
    await Promise.all(loads.map((load) => load[Symbol.asyncDispose]()));
    throw failed.reason;
  }

  /** Connects all clients, `atOnce` at a time; resolves once all are live and present. */
  async join(atOnce: number): Promise<void> {
    const each = Math.max(1, Math.floor(atOnce / this.#processes.length));
    await this.#vanishing?.ask({ type: "join", members: this.#vanishingJobs, atOnce: each });
    await Promise.all(
      this.#processes.map(({ process, jobs }) => process.ask({ type: "join", members: jobs, atOnce: each })),
    );
  }

  /** Starts publishing at `perSecond` messages a second, over all clients. */
  async publish(perSecond: number, seed: number): Promise<void> {
    const each = perSecond / this.#processes.length;
    await Promise.all(
      this.#processes.map(({ process }, at) =>
        process.ask({ type: "publish", perSecond: each, seed: seed + at })
      ),
    );
  }

  /** Progress over all processes except the vanishing one. */
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

  /** Closes the rooms of these members. */
  async leave(members: readonly number[]): Promise<void> {
    await Promise.all(this.#processes.map(({ process, jobs }) => {
      const own = jobs.map(({ member }) => member).filter((member) => members.includes(member));
      return process.ask({ type: "leave", members: own });
    }));
  }

  /**
   * Kills the process of the vanishing members; returns the time of it for each, in milliseconds
   * since 1970.
   */
  async vanish(): Promise<ReadonlyMap<number, number>> {
    const at = Date.now();
    await this.#vanishing?.[Symbol.asyncDispose]();
    return new Map(this.#vanishingJobs.map(({ member }) => [member, at]));
  }

  /** Stops publishing. */
  async stop(): Promise<void> {
    await this.#heads();
  }

  /**
   * Waits until every client has every message and every publish is answered. Returns the duration
   * in milliseconds, or null after `timeoutMs`.
   */
  async untilCaughtUp(timeoutMs: number): Promise<number | null> {
    return await within(timeoutMs, async () => {
      // A message that is stored late moves a head, so every check reads the heads again.
      const heads = await this.#heads();
      const behind = await Promise.all(
        this.#processes.map(({ process }) => process.ask({ type: "behind", heads })),
      );
      return behind.every((count) => count === 0);
    });
  }

  /**
   * Waits until presence was exact at one moment in every room. Returns the views of the other
   * rooms after `timeoutMs`.
   */
  async untilPresent(
    timeoutMs: number,
  ): Promise<{ readonly tookMs: number | null; readonly inexact: readonly PresenceView[][] }> {
    const open = new Set(this.#jobs.map(({ room }) => room));
    const tookMs = await within(timeoutMs, async () => {
      const all = await Promise.all(
        this.#processes.map(({ process }) => process.ask({ type: "digests" })),
      );
      const digests = Map.groupBy(all.flat(), ({ room }) => room);
      for (const room of open) if (areDigestsExact(digests.get(room) ?? [])) open.delete(room);
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

  /** Reports of all clients except the vanishing ones. */
  async reports(): Promise<MemberReport[]> {
    const all = await Promise.all(this.#processes.map(async ({ process, jobs }) => {
      const reports: MemberReport[] = [];
      for (const { member, room } of jobs) {
        reports.push(await process.ask({ type: "account", member, room }));
      }
      return reports;
    }));
    return all.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.#vanishing, ...this.#processes.map(({ process }) => process)];
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

/** Polls a condition; returns the duration in milliseconds, or null after `timeoutMs`. */
async function within(timeoutMs: number, isSo: () => Promise<boolean>): Promise<number | null> {
  const startedAt = performance.now();
  for (;;) {
    if (await isSo()) return performance.now() - startedAt;
    if (performance.now() - startedAt > timeoutMs) return null;
    await delay(CHECK_EVERY_MS);
  }
}
