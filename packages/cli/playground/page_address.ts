/** User and room in the page's address. */
export interface PageAddress {
  readonly user: string;
  readonly room: string;
}

/** docs/protocol.md, 1.1. */
const ROOM_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~:-]{1,128}$/;

/** Parses `#room=lobby&user=alice`. Leaves out a missing field and an invalid room id. */
export function parseAddress(hash: string): Partial<PageAddress> {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const user = fields.get("user")?.trim();
  const room = fields.get("room");
  return { ...(user ? { user } : {}), ...(room && ROOM_ID.test(room) ? { room } : {}) };
}

/** Formats the part of the address from `#` on. */
export function formatAddress({ user, room }: Partial<PageAddress>): string {
  const fields = new URLSearchParams();
  if (room) fields.set("room", room);
  if (user) fields.set("user", user);
  return `#${fields}`;
}
