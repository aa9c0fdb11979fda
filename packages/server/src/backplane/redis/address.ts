import { ESCAPE, escapeText } from "../wire/wire_text.ts";

/** Number of slots of a cluster. */
export const SLOTS = 16_384;

/** Polynomial of CRC-16/XMODEM, which assigns keys to slots. */
const POLYNOMIAL = 0x1021;

/** Keys, channel and cluster slot of a room. */
export interface Address {
  readonly room: string;
  /** Name of the room's first key and of its channel. */
  readonly channel: string;
  /** All keys but those of publish ids, in the order that the scripts expect. */
  readonly keys: readonly string[];
  /** Cluster slot of all keys. */
  readonly slot: number;
}

/** Suffixes of the keys; scripts/room_state.ts describes their contents in the same order. */
const SUFFIXES = ["", ":messages", ":present", ":lost", ":due", ":leases", ":resumed"];

/**
 * Builds a room's address. The keys contain the room's name in braces, so a cluster places all of
 * them in one slot. Braces in the name are escaped.
 */
export function addressOf(room: string, prefix: string): Address {
  const tag = tagOf("room", room);
  const channel = `${prefix}{${tag}}`;
  return { room, channel, keys: SUFFIXES.map((suffix) => channel + suffix), slot: slotOf(tag) };
}

/** Key of a one-use value, and its cluster slot. */
export interface ValueAddress {
  readonly key: string;
  readonly slot: number;
}

/** Builds a one-use value's address. No room has the same key. */
export function valueAddressOf(key: string, prefix: string): ValueAddress {
  const tag = tagOf("once", key);
  return { key: `${prefix}{${tag}}`, slot: slotOf(tag) };
}

/** The kind keeps the tag from being empty: Redis ignores empty braces. */
function tagOf(kind: string, name: string): string {
  return `${kind}:${
    escapeText(name).replace(/[{}]/g, (brace) => `${ESCAPE}00${brace === "{" ? "7b" : "7d"}`)
  }`;
}

/** Tags that are tried for the key of a probe. */
const MAX_PROBE_TAGS = 256;

/**
 * Builds a key that no room has, in a slot of which `isServed` is true, if one of the first tags
 * has such a slot.
 */
export function probeKeyOf(prefix: string, isServed: (slot: number) => boolean): string {
  let number = 0;
  while (number < MAX_PROBE_TAGS && !isServed(slotOf(`probe:${number}`))) number++;
  return `${prefix}{probe:${number}}`;
}

const encoder = new TextEncoder();

/** Computes the slot of a hash tag: the text in a key's braces. */
export function slotOf(tag: string): number {
  let remainder = 0;
  for (const byte of encoder.encode(tag)) {
    remainder ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      remainder = remainder & 0x8000 ? (remainder << 1) ^ POLYNOMIAL : remainder << 1;
    }
  }
  return (remainder & 0xffff) % SLOTS;
}
