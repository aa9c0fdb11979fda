import type { Draft, Ephemeral, PresenceEntry } from "../../packages/server/src/backplane/contract.ts";

/** Creates a draft, sent by alice unless `rest` says otherwise. */
export function draft(id: string, rest: Partial<Draft> = {}): Draft {
  return { id, event: "said", data: JSON.stringify(id), from: { user: "alice", connection: "a1" }, ...rest };
}

/** Creates `count` drafts; each id is the prefix and a number from 1. */
export function drafts(prefix: string, count: number): Draft[] {
  return Array.from({ length: count }, (_, index) => draft(`${prefix}${index + 1}`));
}

/** Creates an ephemeral message, sent by alice unless `rest` says otherwise. */
export function ephemeral(id: string, rest: Partial<Ephemeral> = {}): Ephemeral {
  return {
    id,
    event: "waved",
    data: "{}",
    from: { user: "alice", connection: "a1" },
    at: 1_800_000_000_000,
    ...rest,
  };
}

/** Creates a presence entry; the user is the connection's name without its number. */
export function entry(connection: string, state: string = "{}"): PresenceEntry {
  return { user: connection.replace(/\d+$/, ""), connection, state };
}

/** Lists the whole numbers from the first to the last. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

/** Valid names with a special meaning in JavaScript, Redis, SQL or JSON. */
export const ODD_NAMES: readonly string[] = [
  "__proto__",
  "constructor",
  "",
  " ",
  "a:b",
  "a*",
  "{a}",
  "a\nb",
  "a'b\"c\\d",
  "a%5Fb",
  "ünïcödé 🚀",
  "A",
  "a",
  "x".repeat(500),
];
