import { ESCAPE, escapeText } from "../wire/wire_text.ts";

/** How many slots a cluster has. */
export const SLOTS = 16_384;

/** The divisor of CRC-16/XMODEM, by which a cluster places keys. */
const DIVISOR = 0x1021;

/** Where a room's keys are. */
export interface Address {
  readonly room: string;
  /** The room's first key, and its channel. */
  readonly channel: string;
  /** All keys but those of publish ids, in the order in which scripts expect them. */
  readonly keys: readonly string[];
  /** The part of a cluster that all keys lie in. */
  readonly slot: number;
}

/** Says what the keys are called; the same suffixes, with what they hold, stand in scripts/room_state.ts. */
const SUFFIXES = ["", ":messages", ":present", ":lost", ":due", ":leases", ":resumed"];

/**
 * Finds where a room's keys are. The room's name stands in them, in braces, which put all in one slot: braces in it are written
 * as other characters are that cannot stand for themselves.
 */
export function addressOf(room: string, prefix: string): Address {
  // Not the name alone: for an empty one the braces would have no meaning.
  const tag = `room:${
    escapeText(room).replace(/[{}]/g, (brace) => `${ESCAPE}00${brace === "{" ? "7b" : "7d"}`)
  }`;
  const channel = `${prefix}{${tag}}`;
  return { room, channel, keys: SUFFIXES.map((suffix) => channel + suffix), slot: slotOf(tag) };
}

const encoder = new TextEncoder();

/** The slot of what stands in a key's braces. */
export function slotOf(tag: string): number {
  let remainder = 0;
  for (const byte of encoder.encode(tag)) {
    remainder ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      remainder = remainder & 0x8000 ? (remainder << 1) ^ DIVISOR : remainder << 1;
    }
  }
  return (remainder & 0xffff) % SLOTS;
}
