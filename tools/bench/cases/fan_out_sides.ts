import { type PreparedProgram, type RunningServer, startServer } from "../harness/program.ts";
import type { DialectName } from "../load/dialect.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { roomUrl } from "./measured_load.ts";
import { type Peer, type PeerName, preparePeer } from "./peers.ts";

/** The Deno version whose naive fan-out is the measure of joined frames, on every version of ours. */
export const REFERENCE_DENO = "2.9.6";

/** Publishes under way. */
export const IN_FLIGHT = [1, 16] as const;
export type InFlight = (typeof IN_FLIGHT)[number];

/** Who fans out: ours with both kinds of clients, and the peers. */
export type SideName = "v1" | "plain" | "raw" | "reference" | "joining" | PeerName;

/** A server and how its clients speak. */
export interface Side {
  readonly name: SideName;
  /** Name in a line. */
  readonly label: string;
  readonly program: PreparedProgram;
  readonly dialect: DialectName;
  /** What it is measured with. */
  readonly inFlight: readonly InFlight[];
  readonly url: (server: RunningServer, token: string) => string;
}

const INFORMING = ["hono", "ws", "socketIo"] as const;
const ROOM = "bench";
const inRoom = (server: RunningServer, token: string): string => roomUrl(server, ROOM, token);

function sideOf(name: PeerName, peer: Peer): Side {
  return {
    ...peer,
    name,
    inFlight: IN_FLIGHT,
    url: (server, token) => peer.url(server, { token, room: ROOM }),
  };
}

/** The servers of fan-out, made ready; where ours runs on the reference's version, `raw` is the reference too. */
export async function prepareSides(context: CaseContext): Promise<readonly Side[]> {
  const ours = await context.prepare(context.ours);
  const rawRoom = benchProgram("raw", "peers/raw_room.ts");
  const bun = await preparePeer(context, "room", "bun");
  const { version } = context.deno;
  const raw = await context.prepare(rawRoom);
  const relay = { dialect: "relay", url: inRoom, inFlight: IN_FLIGHT } as const;
  const sides: Side[] = [
    { ...relay, name: "v1", label: "ours, realtime.v1", program: ours, dialect: "rooms.v1" },
    { ...relay, name: "plain", label: "ours, plain", program: ours, dialect: "rooms" },
    { ...relay, name: "raw", label: `raw Deno ${version}`, program: raw },
    sideOf("bun", { ...bun, label: `${bun.label} publish` }),
  ];
  if (version !== REFERENCE_DENO) {
    const program = await context.prepare(rawRoom, REFERENCE_DENO);
    sides.push({ ...relay, name: "reference", label: `raw Deno ${REFERENCE_DENO}`, program, inFlight: [16] });
  }
  if (context.peers === "all") {
    const program = await context.prepare(benchProgram("joining", "peers/joining_room.ts"));
    sides.push({ ...relay, name: "joining", label: `raw Deno ${version}, joining`, program, inFlight: [16] });
  }
  // Last, so that ours and those with a target stay together: noise that comes and goes then hits both.
  const informing = context.peers === "all" ? INFORMING : [];
  for (const name of informing) sides.push(sideOf(name, await preparePeer(context, "room", name)));
  return sides;
}

/** Starts the servers of all sides; disposing ends them. */
export async function startSides(
  sides: readonly Side[],
): Promise<AsyncDisposable & { readonly servers: ReadonlyMap<Side, RunningServer> }> {
  const stack = new AsyncDisposableStack();
  const servers = new Map<Side, RunningServer>();
  try {
    for (const side of sides) servers.set(side, stack.use(await startServer(side.program)));
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
  return { servers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
