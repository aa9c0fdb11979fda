import { createHash } from "node:crypto";
import { escapeText } from "../wire/wire_text.ts";

/**
 * Hex digits of the hash. Postgres truncates channel names at 63 bytes; 160 bits rule collisions
 * out.
 */
const DIGITS = 40;

/**
 * Computes the name by which a room is looked up, as `rooms.channel_of` in the migration does. It
 * is no secret: notifications use the private channel.
 */
export function channelOf(room: string): string {
  return `rooms:${createHash("sha256").update(escapeText(room)).digest("hex").slice(0, DIGITS)}`;
}

/**
 * Computes the name on which Postgres notifies for a channel, as `rooms.notify` in the migration
 * does. Nobody can guess it without the key.
 */
export function privateChannel(key: string, channel: string): string {
  return `r${key}${channel.slice(-DIGITS)}`;
}
