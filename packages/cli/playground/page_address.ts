import { parseRoomPath } from "./room_path.ts";

/** Further parameters of `/dev/token`, as its query has them: a role, and JSON objects. */
export const TOKEN_FIELDS = ["role", "app_metadata", "claims"] as const;

/** Changes to a user's token. */
export type TokenChanges = { readonly [Name in typeof TOKEN_FIELDS[number]]?: string };

/** User, room and token in the page's address. */
export interface PageAddress extends TokenChanges {
  readonly user: string;
  /** Such as `lobby`, or `tables/7`. */
  readonly room: string;
}

/** Parses `#room=lobby&user=alice`. Leaves out a missing field and an invalid room. */
export function parseAddress(hash: string): Partial<PageAddress> {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const user = fields.get("user")?.trim();
  const room = fields.get("room");
  return {
    ...user && { user },
    ...room && parseRoomPath(room) && { room },
    ...tokenChanges((name) => fields.get(name)),
  };
}

/** Formats the part of the address from `#` on. */
export function formatAddress({ user, room, ...changes }: Partial<PageAddress>): string {
  const fields = new URLSearchParams();
  if (room) fields.set("room", room);
  if (user) fields.set("user", user);
  for (const [name, value] of Object.entries(changes)) if (value) fields.set(name, value);
  return `#${fields}`;
}

/** Picks the changes that are not empty. */
export function tokenChanges(
  valueOf: (name: typeof TOKEN_FIELDS[number]) => string | null | undefined,
): TokenChanges {
  const given = TOKEN_FIELDS.map((name) => [name, valueOf(name)?.trim()]);
  return Object.fromEntries(given.filter(([, value]) => value));
}
