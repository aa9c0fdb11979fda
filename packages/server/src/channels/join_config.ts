import { isObject } from "../schemas/json_object.ts";
/** The wishes of a client for a channel. */
export interface JoinConfig {
  readonly isPrivate: boolean;
  /** The channel that sends a broadcast gets it too. */
  readonly self: boolean;
  /** Each broadcast is answered. */
  readonly ack: boolean;
  readonly replay: Replay | "invalid" | undefined;
  readonly presence: {
    readonly isEnabled: boolean; /** Empty if the server chooses one. */
    readonly key: string;
  };
  /** True if the client wants row changes, which do not flow here. */
  readonly wantsChanges: boolean;
}

/** Stored broadcasts that a client wants first. */
export interface Replay {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly limit: number | undefined;
}

/**
 * Reads the `config` of a join. A wrong part counts as absent, as it does at Supabase: clients of
 * all ages send what their users wrote.
 */
export function readJoinConfig(payload: Readonly<Record<string, unknown>>): JoinConfig {
  const config = record(payload["config"]);
  const broadcast = record(config["broadcast"]);
  const presence = record(config["presence"]);
  const changes = config["postgres_changes"];
  return {
    isPrivate: flag(config["private"]),
    self: flag(broadcast["self"]),
    ack: flag(broadcast["ack"]),
    replay: readReplay(broadcast["replay"]),
    presence: { isEnabled: flag(presence["enabled"]), key: text(presence["key"]) },
    wantsChanges: Array.isArray(changes) && changes.length > 0,
  };
}

function readReplay(value: unknown): JoinConfig["replay"] {
  if (value === undefined || value === null) return undefined;
  const { since, limit } = record(value);
  if (!isWhole(since) || limit !== undefined && (!isWhole(limit) || limit < 1)) return "invalid";
  return { since, limit };
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A boolean, or its name: some clients send text. */
function flag(value: unknown): boolean {
  return value === true || typeof value === "string" && value.toLowerCase() === "true";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}
