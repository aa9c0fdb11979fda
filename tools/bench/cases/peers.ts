import { PEER_VERSIONS } from "../harness/npm_peers.ts";
import type { PreparedProgram, RunningServer } from "../harness/program.ts";
import type { DialectName } from "../load/dialect.ts";
import { benchProgram, type CaseContext } from "./context.ts";
import { echoUrl, roomUrl } from "./measured_load.ts";

/** Kind of a peer's server: echo, or relay to all members of a room. */
type PeerKind = "echo" | "room";

/** Peers with both kinds of servers, beside raw Deno. */
export type PeerName = "hono" | "ws" | "socketIo" | "bun";

/** Token and room of a connect. */
export interface JoinTarget {
  readonly token: string;
  /** Ignored by an echo. */
  readonly room: string;
}

/** Server of another stack, and the dialect of its clients. */
export interface Peer {
  /** Name in a line. */
  readonly label: string;
  readonly program: PreparedProgram;
  readonly dialect: DialectName;
  readonly url: (server: RunningServer, target: JoinTarget) => string;
}

/** Figures of one round, by label of the peer. */
export type PeerFigures = ReadonlyMap<string, number>;

/** Returns the figures of one peer per round. @throws {Error} if a round did not measure it */
export function figuresOf(rounds: readonly { readonly peerFigures: PeerFigures }[], label: string): number[] {
  return rounds.map(({ peerFigures }) => {
    const figure = peerFigures.get(label);
    if (figure === undefined) throw new Error(`${label} was not measured`);
    return figure;
  });
}

/**
 * Version in the import map, which resolves to `npm:hono@4.13.19`, or to a path with
 * `hono/4.13.19`.
 */
const [, HONO_VERSION = "unknown"] = /\bhono[@/](\d+\.\d+\.\d+)/.exec(import.meta.resolve("hono")) ?? [];

/** Prepares the named informational peers; none with `--peers targets`. */
export async function prepareInformationalPeers(
  context: CaseContext,
  kind: PeerKind,
  names: readonly PeerName[],
): Promise<Peer[]> {
  if (context.peers === "targets") return [];
  const peers: Peer[] = [];
  for (const name of names) peers.push(await preparePeer(context, kind, name));
  return peers;
}

/** Prepares a peer's server; Hono's runs on the Deno version of the case. */
export async function preparePeer(context: CaseContext, kind: PeerKind, name: PeerName): Promise<Peer> {
  const npm = await context.npmPeers();
  const relay = {
    dialect: "relay",
    url: (server: RunningServer, { token, room }: JoinTarget) =>
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

/** Deno versions to measure raw echo on, beside the version of the case. */
const RAW_VERSIONS = ["2.9.6", "2.1.4"] as const;

/** Prepares the raw echo of the other Deno versions, as informational peers. */
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
