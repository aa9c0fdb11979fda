import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { benchProgram, type CaseContext } from "../cases/context.ts";
import type { DialectName } from "../load/dialect.ts";
import { PEER_VERSIONS } from "./npm_peers.ts";
import { type PreparedProgram, type RunningServer, startServer } from "./program.ts";

/** Kind of a peer's server: echo, or relay to all members of a room. */
type PeerKind = "echo" | "room";

/** Token and room of a connect. */
interface JoinTarget {
  readonly token: string;
  /** Undefined for the echo endpoint. */
  readonly room?: string;
}

/** Measured server, and the dialect of its clients. */
export interface Side {
  /** Name in a line, unique in a case. */
  readonly label: string;
  readonly program: PreparedProgram;
  readonly dialect: DialectName;
  /** URL of a connect; peers get the same as ours, so that both sides parse the same. */
  readonly url: (port: number, target: JoinTarget) => string;
}

/** Label of our side. */
export const OURS = "ours";
/** Label of our side with the clients of supabase-js. */
export const CHANNELS = "ours, supabase-js";
/** Label of the least that Deno can do. */
export const RAW = "raw Deno";

/** Version in the import map, which resolves to `npm:hono@4.13.19`, or to a path. */
const [, HONO_VERSION = ""] = /\bhono[@/](\d+\.\d+\.\d+)/.exec(import.meta.resolve("hono")) ?? [];

/** Side whose clients use our addresses. */
function sideOf(label: string, program: PreparedProgram, dialect: DialectName = "relay"): Side {
  const path = (room: string | undefined) => room === undefined ? "echo" : `rooms/${room}`;
  const url: Side["url"] = (port, { token, room }) =>
    `ws://127.0.0.1:${port}/realtime/${path(room)}?token=${token}`;
  return { label, program, dialect, url };
}

/** Our side, with the dialect of its clients. */
export async function ourSide(context: CaseContext, dialect: DialectName): Promise<Side> {
  return sideOf(OURS, await context.prepare(context.ours), dialect);
}

/** Our side, with clients that speak as supabase-js does; their channel is a public one. */
export async function channelsSide(context: CaseContext): Promise<Side> {
  return {
    ...await ourSide(context, "channels"),
    label: CHANNELS,
    url: (port, { token }) => `ws://127.0.0.1:${port}/realtime/websocket?apikey=${token}&vsn=2.0.0`,
  };
}

/** The least that Deno can do, on the Deno version of the case. */
export async function rawSide(context: CaseContext, kind: PeerKind): Promise<Side> {
  const program = benchProgram(`raw-${kind}`, "peers/raw.ts", { PEER_KIND: kind });
  return sideOf(RAW, await context.prepare(program));
}

/** Raw Deno that joins messages, or that verifies tokens: lower bounds of what ours does. */
export async function lowerBoundSide(context: CaseContext, does: "joining" | "verifying"): Promise<Side> {
  const program = benchProgram(does, `peers/raw_${does}.ts`, {
    SUPABASE_JWKS: JSON.stringify(context.issuer.jwks),
  });
  return sideOf(`${RAW}, ${does}`, await context.prepare(program));
}

/** Hono's helper, Bun and Socket.IO; none with `--peers targets`. */
export async function otherSides(context: CaseContext, kind: PeerKind): Promise<Side[]> {
  if (context.peers === "targets") return [];
  const npm = await context.npmPeers();
  const program = (file: string) => benchProgram(`${file}-${kind}`, `peers/${file}`, { PEER_KIND: kind });
  const socketIo = sideOf(PEER_VERSIONS.socketIo, npm.node(program("socket_io.mjs")), "socket.io");
  return [
    sideOf(`Hono ${HONO_VERSION}'s helper`, await context.prepare(program("hono.ts"))),
    sideOf(PEER_VERSIONS.bun, npm.bun(program("bun.ts"))),
    { ...socketIo, url: (port) => `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket` },
  ];
}

/** Side with its running server. */
export interface RunningSide extends Side {
  readonly server: RunningServer;
  readonly clock: CpuClock;
}

/** Starts the servers of all sides in `stack`, which ends them. */
export async function startSides(
  stack: AsyncDisposableStack,
  sides: readonly Side[],
): Promise<RunningSide[]> {
  const running: RunningSide[] = [];
  for (const side of sides) {
    const server = stack.use(await startServer(side.program));
    running.push({ ...side, server, clock: new CpuClock(server.pid) });
  }
  return running;
}

/** Passes over the sides, every second one backwards, so that noise affects all sides. */
export function inPasses<T>(sides: readonly T[], passes: number): T[] {
  return Array.from({ length: passes }, (_, pass) => pass % 2 === 0 ? sides : sides.toReversed()).flat();
}
