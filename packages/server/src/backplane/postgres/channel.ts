import { createHash } from "node:crypto";
import { escapeText } from "../wire/wire_text.ts";

/**
 * Hex digits of the hash. Postgres truncates channel names at 63 bytes; 160 bits rule collisions
 * out.
 */
const DIGITS = 40;

/**
 * Computes the name of a room's notification channel, as `rooms.channel_of` in the migration does.
 */
export function channelOf(room: string): string {
  return `rooms:${createHash("sha256").update(escapeText(room)).digest("hex").slice(0, DIGITS)}`;
}
