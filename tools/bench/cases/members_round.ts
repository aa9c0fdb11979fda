import { residentBytes } from "../../support/processes/resident_memory.ts";
import { type RunningServer, startServer } from "../harness/program.ts";
import type { JobProcess } from "../../support/processes/job_process.ts";
import { ask } from "./measured_load.ts";
import type { Peer, PeerFigures } from "./peers.ts";

/** Number of members for the memory per member. */
export const MEMBERS = 4_000;
/** Number of members that have to fit in an isolate. */
export const MANY_MEMBERS = 8_000;

const ROOM_SIZE = 100;
/**
 * Members before the first measurement: a process allocates memory with its first members that is
 * not theirs.
 */
const FIRST_MEMBERS = ROOM_SIZE;
/** Waits after joining. V8 collects garbage about eight seconds after it became idle, if at all. */
const SETTLE_MS = { first: 1_000, all: 4_000, many: 12_000 } as const;
const CONCURRENCY = 20;

const KILOBYTE = 1_024;

/** Servers whose member memory is measured. */
export interface MemberSides {
  readonly ours: Peer;
  /** Peer with the target, measured together with ours. */
  readonly raw: Peer;
  readonly informational: readonly Peer[];
}

/** Results of one round. */
export interface MemberRound {
  /** KB per member of each side, by label. */
  readonly peerFigures: PeerFigures;
  /** Resident bytes of ours before the first member, and with 8,000. */
  readonly atStart: number;
  readonly withMany: number;
}

/** Measures one round with new servers. */
export async function measureMembers(
  { ours, raw, informational }: MemberSides,
  load: JobProcess,
  tokens: readonly string[],
): Promise<MemberRound> {
  const round = await measureOurs(ours, raw, load, tokens);
  const peerFigures = new Map(round.peerFigures);
  // Two peers at a time, because the number of sockets per process is limited.
  for (let next = 0; next < informational.length; next += 2) {
    const batch = informational.slice(next, next + 2);
    for (const [label, kilobytes] of await measureBatch(batch, load, tokens)) {
      peerFigures.set(label, kilobytes);
    }
  }
  return { ...round, peerFigures };
}

async function measureOurs(
  ours: Peer,
  raw: Peer,
  load: JobProcess,
  tokens: readonly string[],
): Promise<MemberRound> {
  await using own = await MeasuredServer.start(ours);
  await using other = await MeasuredServer.start(raw);
  await pause(SETTLE_MS.first);
  const atStart = own.resident();
  const peerFigures = await measureMemory([own, other], load, tokens);
  await own.join(load, tokens.slice(MEMBERS, MANY_MEMBERS));
  await pause(SETTLE_MS.many);
  const withMany = own.resident();
  for (const server of [own, other]) await server.leave(load);
  return { peerFigures, atStart, withMany };
}

async function measureBatch(
  peers: readonly Peer[],
  load: JobProcess,
  tokens: readonly string[],
): Promise<PeerFigures> {
  await using stack = new AsyncDisposableStack();
  const servers: MeasuredServer[] = [];
  for (const peer of peers) servers.push(stack.use(await MeasuredServer.start(peer)));
  await pause(SETTLE_MS.first);
  const peerFigures = await measureMemory(servers, load, tokens);
  for (const server of servers) await server.leave(load);
  return peerFigures;
}

/** Measures KB per member of each server, by label; the members stay connected. */
async function measureMemory(
  servers: readonly MeasuredServer[],
  load: JobProcess,
  tokens: readonly string[],
): Promise<Map<string, number>> {
  for (const server of servers) await server.join(load, tokens.slice(0, FIRST_MEMBERS));
  await pause(SETTLE_MS.first);
  const withFirst = servers.map((server) => server.resident());
  for (const server of servers) await server.join(load, tokens.slice(FIRST_MEMBERS, MEMBERS));
  await pause(SETTLE_MS.all);
  return new Map(
    servers.map((server, index): [string, number] => {
      const bytes = server.resident() - (withFirst[index] ?? 0);
      return [server.label, bytes / (MEMBERS - FIRST_MEMBERS) / KILOBYTE];
    }),
  );
}

/** Running server with its members. */
class MeasuredServer implements AsyncDisposable {
  readonly #side: Peer;
  readonly #server: RunningServer;
  #members = 0;

  private constructor(side: Peer, server: RunningServer) {
    this.#side = side;
    this.#server = server;
  }

  static async start(side: Peer): Promise<MeasuredServer> {
    return new MeasuredServer(side, await startServer(side.program));
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
