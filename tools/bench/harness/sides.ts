import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { benchProgram, type CaseContext } from "../cases/context.ts";
import type { DialectName } from "../load/dialect.ts";
import { PEER_VERSIONS } from "./npm_peers.ts";
import { type PreparedProgram, type RunningServer, startServer } from "./program.ts";

/** Kind of a peer's server: echo, or relay to all members of a room. */
type PeerKind = "echo" | "room";

/** Measured server, and the dialect of its clients. */
export interface Side {
  /** Name in a line, unique in a case. */
  readonly label: string;
  readonly program: PreparedProgram;
  readonly dialect: DialectName;
  /** URL of a connect, without a room to the echo endpoint; peers get the same URL. */
  readonly url: (port: number, target: { readonly token: string; readonly room?: string }) => string;
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

/** The least that Deno can do; `joining` and `verifying` are lower bounds of what ours does. */
export async function rawSide(
  context: CaseContext,
  kind: PeerKind | "joining" | "verifying",
): Promise<Side> {
  const env = { PEER_KIND: kind, SUPABASE_JWKS: JSON.stringify(context.issuer.jwks) };
  const file = kind === "verifying" ? "peers/raw_verifying.ts" : "peers/raw.ts";
  const program = await context.prepare(benchProgram(`raw-${kind}`, file, env));
  return sideOf(kind === "echo" || kind === "room" ? RAW : `${RAW}, ${kind}`, program);
}

/** Hono's helper, Bun and Socket.IO; none with `--peers targets`. */
export async function otherSides(context: CaseContext, kind: PeerKind): Promise<Side[]> {
  if (!context.hasAllPeers) return [];
  const npm = await context.npmPeers();
  const program = (file: string) => benchProgram(`${file}-${kind}`, `peers/${file}`, { PEER_KIND: kind });
  const socketIo = sideOf(PEER_VERSIONS.node, npm("node", program("socket_io.mjs")), "socket.io");
  return [
    sideOf(`Hono ${HONO_VERSION}'s helper`, await context.prepare(program("hono.ts"))),
    sideOf(PEER_VERSIONS.bun, npm("bun", program("bun.ts"))),
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
