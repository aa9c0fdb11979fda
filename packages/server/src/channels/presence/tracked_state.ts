import type { PresenceEntry } from "../../backplane/contract.ts";
import { keyOfUser } from "./key.ts";

/** Field of a room's presence state that holds what only channels know. */
const CHANNEL_FIELD = "$channel";

/** One member's presence, as channels see it. */
export interface Tracked {
  readonly key: string;
  /** JSON text of what the member tracks, for comparison. */
  readonly payload: string;
  /** Names this very state of this very member. Clients compare nothing else. */
  readonly ref: string;
}

/** The presence state that a room carries for what a channel tracks. */
export function trackedState({ key, payload, ref }: Tracked): string {
  const state: Record<string, unknown> = JSON.parse(payload);
  return JSON.stringify({ ...state, [CHANNEL_FIELD]: { key, ref } });
}

/** Reads the presence of a channel's member, or of a member of the rooms protocol. */
export function readTracked({ user, connection, state }: PresenceEntry): Tracked {
  const { [CHANNEL_FIELD]: channel, ...payload }: Record<string, unknown> = JSON.parse(state);
  const text = JSON.stringify(payload);
  if (isChannel(channel)) return { key: channel.key, ref: channel.ref, payload: text };
  // A member of the rooms protocol has no reference. Another state must have another one.
  return { key: keyOfUser(user), payload: text, ref: `${connection}:${hash(text)}` };
}

/** A new reference: clients of other isolates, and of later ones, must never have seen it. */
export function newRef(): string {
  return crypto.randomUUID();
}

function isChannel(value: unknown): value is { readonly key: string; readonly ref: string } {
  if (typeof value !== "object" || value === null) return false;
  const { key, ref } = value as Record<string, unknown>;
  return typeof key === "string" && typeof ref === "string";
}

/** A short hash (FNV-1a) that tells states of one connection apart. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return (value >>> 0).toString(36);
}
