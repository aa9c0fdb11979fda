import { PEER_VERSIONS } from "../harness/npm_peers.ts";
import type { PreparedProgram, RunningServer } from "../harness/program.ts";
import type { DialectName } from "../load/dialect.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { echoUrl, roomUrl } from "./measured_load.ts";

/** What a peer's server does: answer, or send on to everybody in a room. */
export type PeerKind = "echo" | "room";

/** The peers that both kinds of servers are written with, beside raw Deno. */
export type PeerName = "hono" | "ws" | "socketIo" | "bun";

/** Who connects, and where. */
export interface Visitor {
  readonly token: string;
  /** Without a meaning for an echo. */
  readonly room: string;
}

/** A server of somebody else's kind, and how its clients speak. */
export interface Peer {
  /** Name in a line. */
  readonly label: string;
  readonly program: PreparedProgram;
  readonly dialect: DialectName;
  readonly url: (server: RunningServer, visitor: Visitor) => string;
}

/** What servers cost in one round, by their labels. */
export type Informed = ReadonlyMap<string, number>;

/**
 * What one of them cost, round by round.
 *
 * @throws {Error} when it was not measured in each of them.
 */
export function figuresOf(rounds: readonly { readonly informed: Informed }[], label: string): number[] {
  return rounds.map(({ informed }) => {
    const figure = informed.get(label);
    if (figure === undefined) throw new Error(`${label} was not measured`);
    return figure;
  });
}

/** Version of the import map: resolved as `npm:hono@4.13.19`, or as a path with `hono/4.13.19`. */
const [, HONO_VERSION = "unknown"] = /\bhono[@/](\d+\.\d+\.\d+)/.exec(import.meta.resolve("hono")) ?? [];

/** The peers that only inform, of those named; none where only those with a target are asked for. */
export async function prepareInformingPeers(
  context: CaseContext,
  kind: PeerKind,
  names: readonly PeerName[],
): Promise<Peer[]> {
  if (context.peers === "targets") return [];
  const peers: Peer[] = [];
  for (const name of names) peers.push(await preparePeer(context, kind, name));
  return peers;
}

/** Makes a peer's server ready: Hono's on the case's Deno version. */
export async function preparePeer(context: CaseContext, kind: PeerKind, name: PeerName): Promise<Peer> {
  const npm = await context.npmPeers();
  const relay = {
    dialect: "relay",
    url: (server: RunningServer, { token, room }: Visitor) =>
      kind === "echo" ? echoUrl(server, token) : roomUrl(server, room, token),
  } as const;
  switch (name) {
    case "hono": {
      const program = await context.prepare(benchProgram(`hono-${kind}`, `peers/hono_${kind}.ts`));
      return { ...relay, label: `Hono ${HONO_VERSION}'s helper`, program };
    }
    case "ws": {
      const program = npm.node(benchProgram(`ws-${kind}`, `peers/ws_${kind}.mjs`));
      return { ...relay, label: PEER_VERSIONS.ws, program };
    }
    case "socketIo":
      return {
        label: PEER_VERSIONS.socketIo,
        program: npm.node(benchProgram(`socket.io-${kind}`, `peers/socket_io_${kind}.mjs`)),
        dialect: "socket.io",
        url: ({ port }) => `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`,
      };
    case "bun": {
      const program = npm.bun(benchProgram(`bun-${kind}`, `peers/bun_${kind}.ts`));
      return { ...relay, label: PEER_VERSIONS.bun, program };
    }
  }
}

/** The Deno versions that raw echo is measured on, beside the one of the case. */
const RAW_VERSIONS = ["2.9.6", "2.1.4"] as const;

/** The least that Deno can do, on the versions that are not the case's own: to inform only. */
export async function prepareOtherRaw(context: CaseContext): Promise<Peer[]> {
  if (context.peers === "targets") return [];
  const others: Peer[] = [];
  for (const version of RAW_VERSIONS) {
    if (version === context.deno.version) continue;
    others.push({
      label: `raw Deno ${version}`,
      program: await context.prepare(benchProgram("raw", "peers/raw_echo.ts"), version),
      dialect: "relay",
      url: (server, { token }) => echoUrl(server, token),
    });
  }
  return others;
}
