import { type NpmPeers, PEER_VERSIONS } from "../harness/npm_peers.ts";
import { type PreparedProgram, type RunningServer, startServer } from "../harness/program.ts";
import type { DialectName } from "../load/dialect.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { roomUrl } from "./load_process.ts";

/** The Deno version whose naive fan-out is the measure of joined frames, on every version of ours. */
export const REFERENCE_DENO = "2.9.6";

/** Publishes under way. */
export const IN_FLIGHT = [1, 16] as const;
export type InFlight = (typeof IN_FLIGHT)[number];

/** Who fans out: ours with both kinds of clients, and the peers. */
export type SideName = "v1" | "plain" | "raw" | "reference" | "socketIo" | "bun";

/** A server and how its clients speak. */
export interface Side {
  readonly name: SideName;
  /** What a line calls it. */
  readonly label: string;
  readonly program: PreparedProgram;
  readonly dialect: DialectName;
  /** What it is measured with. */
  readonly inFlight: readonly InFlight[];
  readonly url: (server: RunningServer, token: string) => string;
}

const inRoom = (server: RunningServer, token: string): string => roomUrl(server, "bench", token);
const socketIoUrl = ({ port }: RunningServer): string =>
  `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`;

/** The servers of fan-out, made ready; where ours runs on the reference's version, `raw` is the reference too. */
export async function prepareSides(context: CaseContext): Promise<readonly Side[]> {
  const ours = await context.prepare(context.ours);
  const rawRoom = benchProgram("raw", "peers/raw_room.ts");
  const peers: NpmPeers = await context.npmPeers();
  const { version } = context.deno;
  const raw = await context.prepare(rawRoom);
  const socketIo = peers.node(benchProgram("socket.io", "peers/socket_io_room.mjs"));
  const bun = peers.bun(benchProgram("bun", "peers/bun_room.ts"));
  const relay = { dialect: "relay", url: inRoom, inFlight: IN_FLIGHT } as const;
  const sides: Side[] = [
    { ...relay, name: "v1", label: "ours, realtime.v1", program: ours, dialect: "rooms.v1" },
    { ...relay, name: "plain", label: "ours, plain", program: ours, dialect: "rooms" },
    { ...relay, name: "raw", label: `raw Deno ${version}`, program: raw },
    {
      ...relay,
      name: "socketIo",
      label: PEER_VERSIONS.socketIo,
      program: socketIo,
      dialect: "socket.io",
      url: socketIoUrl,
    },
    { ...relay, name: "bun", label: `${PEER_VERSIONS.bun} publish`, program: bun },
  ];
  if (version !== REFERENCE_DENO) {
    const program = await context.prepare(rawRoom, REFERENCE_DENO);
    sides.push({ ...relay, name: "reference", label: `raw Deno ${REFERENCE_DENO}`, program, inFlight: [16] });
  }
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
