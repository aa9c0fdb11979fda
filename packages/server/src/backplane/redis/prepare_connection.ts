import { ErrorReply } from "@redis/client";
import type { Connection } from "./connection.ts";
import { CONFIRM } from "./scripts/confirm.ts";
import { PROBE } from "./scripts/probe.ts";
import { PUBLISH } from "./scripts/publish.ts";
import { ROOM } from "./scripts/room.ts";

/** Names of the scripts. */
export type ScriptName = "publish" | "room" | "confirm";

/** Texts of the scripts. */
export const SCRIPTS: Readonly<Record<ScriptName, string>> = {
  publish: PUBLISH,
  room: ROOM,
  confirm: CONFIRM,
};

/** Oldest major version of Redis in which scripts can publish to sharded channels. */
const MIN_VERSION = 7;

/** A usable connection. */
export interface ActiveConnection {
  readonly client: Connection;
  /** Server run id. */
  readonly runId: string;
  readonly digests: ReadonlyMap<ScriptName, string>;
  readonly channels: Set<string>;
}

/**
 * Connects, checks the server's version, loads the scripts, and tries everything that rooms need.
 * `probeKey` is a name that no room has, in a slot of the server.
 */
export async function prepareConnection(client: Connection, probeKey: string): Promise<ActiveConnection> {
  await client.connect();
  const info = String(await attempt("INFO", client.sendCommand(["INFO", "server"])));
  const runId = /^run_id:(\S+)/m.exec(info)?.[1];
  const version = /^redis_version:(\d+)/m.exec(info)?.[1];
  if (Number(version) < MIN_VERSION) {
    throw new Error(`The server is Redis ${version}; use Redis or Valkey ${MIN_VERSION} or newer.`);
  }
  if (runId === undefined) throw new Error("INFO of the server has no run_id; use Redis or Valkey.");
  // Sent at once: an isolate that reconnects must not wait for a dozen round trips.
  const loading = (["publish", "room", "confirm"] as const).map(async (name) =>
    [name, await load(client, SCRIPTS[name])] as const
  );
  const [digests] = await Promise.all([Promise.all(loading), probe(client, probeKey)]);
  return { client, runId, digests: new Map(digests), channels: new Set() };
}

/** Tries each command of rooms once, so that a missing right shows now and not in a room. */
async function probe(client: Connection, key: string): Promise<void> {
  const ignore = () => {};
  await attempt("SSUBSCRIBE", client.sSubscribe(key, ignore));
  await attempt("SUNSUBSCRIBE", client.sUnsubscribe(key, ignore));
  const keys = ["hash", "list", "set", "text"].map((suffix) => `${key}:${suffix}`);
  await Promise.all([
    attempt("SPUBLISH", client.sendCommand(["SPUBLISH", key, ""])),
    attempt("EVAL", client.sendCommand(["EVAL", "return 1", "0"])),
    attempt("PING", client.sendCommand(["PING"])),
    load(client, PROBE).then((digest) =>
      attempt("EVALSHA", client.sendCommand(["EVALSHA", digest, "5", ...keys, key]))
    ),
  ]);
}

async function load(client: Connection, script: string): Promise<string> {
  return String(await attempt("SCRIPT LOAD", client.sendCommand(["SCRIPT", "LOAD", script])));
}

/** Awaits a reply. A refusal names the command and the place that lists the necessary rights. */
async function attempt<T>(command: string, reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (!(error instanceof ErrorReply)) throw error;
    // The slot has moved to another server, which Redis says only to users that have the right.
    if (/^(MOVED|ASK|TRYAGAIN)\b/.test(error.message)) return undefined;
    if (!isRefusal(error.message)) throw error;
    throw new Error(
      `Redis refuses ${command}, which rooms need: ${error.message} Grant the rights of docs/deploy.md, "Redis".`,
      { cause: error },
    );
  }
}

/** True for replies of a server that lacks a command, or of a user that lacks a right. */
export function isRefusal(reply: string): boolean {
  return /\bNOPERM\b|unknown (redis )?command|the user executing the script can't|ACL failure in script/i
    .test(reply);
}
