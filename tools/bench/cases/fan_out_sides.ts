import { type PreparedProgram, type RunningServer, startServer } from "../harness/program.ts";
import type { DialectName } from "../load/dialect.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { roomUrl } from "./measured_load.ts";
import { type Peer, type PeerName, preparePeer } from "./peers.ts";

/**
 * Deno version of the reference: its unbatched fan-out is the measure of batched frames, for every
 * version of ours.
 */
const REFERENCE_DENO = "2.9.6";

/** Numbers of publishes in flight. */
export const IN_FLIGHT = [1, 16] as const;
export type InFlight = (typeof IN_FLIGHT)[number];

/** Sides: ours with both kinds of clients, and the peers. */
export type SideName = "v1" | "plain" | "raw" | "reference" | "joining" | PeerName;

/** Server, and the dialect of its clients. */
export interface Side {
  readonly name: SideName;
  /** Name in a line. */
  readonly label: string;
  readonly program: PreparedProgram;
  readonly dialect: DialectName;
  /** Numbers of publishes in flight to measure with. */
  readonly inFlight: readonly InFlight[];
  readonly url: (server: RunningServer, token: string) => string;
}

const INFORMATIONAL = ["hono", "ws", "socketIo"] as const;
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

/** Prepares the servers. If ours runs on the reference's version, `raw` is also the reference. */
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
  // Informational peers come last, so that ours and the peers with a target run close together,
  // under the same noise.
  const informational = context.peers === "all" ? INFORMATIONAL : [];
  for (const name of informational) sides.push(sideOf(name, await preparePeer(context, "room", name)));
  return sides;
}

/** Starts the servers of all sides; disposal ends them. */
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
