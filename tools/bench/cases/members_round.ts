import { residentBytes } from "../../support/processes/resident_memory.ts";
import { type RunningServer, startServer } from "../harness/program.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { ask } from "./measured_load.ts";
import type { Informed, Peer } from "./peers.ts";

/** Members whose memory is divided by their number. */
export const MEMBERS = 4_000;
/** Members that have to fit into an isolate. */
export const MANY_MEMBERS = 8_000;

const ROOM_SIZE = 100;
/** What a process allocates with its first members is not theirs. */
const FIRST_MEMBERS = ROOM_SIZE;
/** After joining; V8 tidies up some eight seconds after it has become quiet, if it does. */
const SETTLE_MS = { first: 1_000, all: 4_000, many: 12_000 } as const;
const CONCURRENCY = 20;

const KILOBYTE = 1_024;

/** The servers whose members are weighed. */
export interface MemberSides {
  readonly ours: Peer;
  /** The peer with the target: measured at the same time as ours. */
  readonly raw: Peer;
  readonly informing: readonly Peer[];
}

/** Results of one round. */
export interface MemberRound {
  /** KB a member of each side, ours too, by its label. */
  readonly informed: Informed;
  /** Resident bytes of ours before the first member, and with 8,000. */
  readonly atStart: number;
  readonly withMany: number;
}

/** One round with new servers. */
export async function measureMembers(
  { ours, raw, informing }: MemberSides,
  load: JobProcess,
  tokens: readonly string[],
): Promise<MemberRound> {
  const round = await measureOurs(ours, raw, load, tokens);
  const informed = new Map(round.informed);
  // No more at once than ours with many and raw: a process may have so many sockets only.
  for (let next = 0; next < informing.length; next += 2) {
    const batch = informing.slice(next, next + 2);
    for (const [label, kilobytes] of await measureBatch(batch, load, tokens)) informed.set(label, kilobytes);
  }
  return { ...round, informed };
}

async function measureOurs(
  ours: Peer,
  raw: Peer,
  load: JobProcess,
  tokens: readonly string[],
): Promise<MemberRound> {
  await using own = await Host.start(ours);
  await using other = await Host.start(raw);
  await pause(SETTLE_MS.first);
  const atStart = own.resident();
  const informed = await weigh([own, other], load, tokens);
  await own.join(load, tokens.slice(MEMBERS, MANY_MEMBERS));
  await pause(SETTLE_MS.many);
  const withMany = own.resident();
  for (const host of [own, other]) await host.leave(load);
  return { informed, atStart, withMany };
}

async function measureBatch(
  peers: readonly Peer[],
  load: JobProcess,
  tokens: readonly string[],
): Promise<Informed> {
  await using stack = new AsyncDisposableStack();
  const hosts: Host[] = [];
  for (const peer of peers) hosts.push(stack.use(await Host.start(peer)));
  await pause(SETTLE_MS.first);
  const informed = await weigh(hosts, load, tokens);
  for (const host of hosts) await host.leave(load);
  return informed;
}

/** KB a member of each host, by its label; they stay. */
async function weigh(
  hosts: readonly Host[],
  load: JobProcess,
  tokens: readonly string[],
): Promise<Map<string, number>> {
  for (const host of hosts) await host.join(load, tokens.slice(0, FIRST_MEMBERS));
  await pause(SETTLE_MS.first);
  const withFirst = hosts.map((host) => host.resident());
  for (const host of hosts) await host.join(load, tokens.slice(FIRST_MEMBERS, MEMBERS));
  await pause(SETTLE_MS.all);
  return new Map(
    hosts.map((host, index): [string, number] => {
      const bytes = host.resident() - (withFirst[index] ?? 0);
      return [host.label, bytes / (MEMBERS - FIRST_MEMBERS) / KILOBYTE];
    }),
  );
}

/** A running server and the members that it has. */
class Host implements AsyncDisposable {
  readonly #side: Peer;
  readonly #server: RunningServer;
  #members = 0;

  private constructor(side: Peer, server: RunningServer) {
    this.#side = side;
    this.#server = server;
  }

  static async start(side: Peer): Promise<Host> {
    return new Host(side, await startServer(side.program));
  }

  get label(): string {
    return this.#side.label;
  }

  resident(): number {
    return residentBytes(this.#server.pid);
  }

  async join(load: JobProcess, tokens: readonly string[]): Promise<void> {
    const { label: group, dialect, url } = this.#side;
    const urls = tokens.map((token) =>
      url(this.#server, { token, room: `bench-${Math.floor(this.#members++ / ROOM_SIZE)}` })
    );
    await ask(load, { type: "open", group, concurrency: CONCURRENCY, urls, dialect });
  }

  async leave(load: JobProcess): Promise<void> {
    await ask(load, { type: "close", group: this.label });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
