import { createHash } from "node:crypto";
import { escapeText } from "../wire/wire_text.ts";

/** Postgres cuts a channel's name at 63 bytes; these are enough to tell any two rooms apart. */
const DIGITS = 40;

/** What a room's notifications are called; the same as `rooms.channel_of` in the migration. */
export function channelOf(room: string): string {
  return `rooms:${createHash("sha256").update(escapeText(room)).digest("hex").slice(0, DIGITS)}`;
}
