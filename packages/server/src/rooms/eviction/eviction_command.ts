import { MAX_REASON_LENGTH } from "../../../../protocol/limits.ts";

/** A user with all of its connections, or one connection. */
export type EvictionTarget =
  | { readonly user: string; readonly connection?: never }
  | { readonly connection: string; readonly user?: never };

/** Ends the memberships of a target in one room. */
export interface KickCommand {
  readonly type: "kick";
  /** The room's name among all rooms of all endpoints. */
  readonly room: string;
  readonly target: EvictionTarget;
  readonly reason?: string;
}

/** Closes every socket and event stream of a user. */
export interface DisconnectCommand {
  readonly type: "disconnect";
  readonly target: { readonly user: string };
  readonly reason?: string;
}

/** A command to every isolate. */
export type EvictionCommand = KickCommand | DisconnectCommand;

/** A command, and the isolate that published it and has applied it already. */
export interface PublishedCommand {
  readonly isolate: string;
  readonly command: EvictionCommand;
}

/** Text of a command, as isolates share it. */
export function commandText(published: PublishedCommand): string {
  return JSON.stringify(published);
}

/**
 * Parses the text of a command. Returns undefined for anything else: another release may have
 * written it.
 */
export function parseCommand(text: string): PublishedCommand | undefined {
  const value = parseJson(text);
  if (!isRecord(value) || !isText(value["isolate"]) || !isRecord(value["command"])) return undefined;
  const { type, room, target, reason } = value["command"];
  if (reason !== undefined && !(typeof reason === "string" && reason.length <= MAX_REASON_LENGTH)) {
    return undefined;
  }
  const why = reason === undefined ? {} : { reason };
  const to = parseTarget(target);
  const isolate = value["isolate"];
  if (type === "kick" && to && isText(room)) return { isolate, command: { type, room, target: to, ...why } };
  if (type === "disconnect" && to?.user !== undefined) {
    return { isolate, command: { type, target: to, ...why } };
  }
  return undefined;
}

function parseTarget(target: unknown): EvictionTarget | undefined {
  if (!isRecord(target)) return undefined;
  const { user, connection } = target;
  if (isText(user) && connection === undefined) return { user };
  if (isText(connection) && user === undefined) return { connection };
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
