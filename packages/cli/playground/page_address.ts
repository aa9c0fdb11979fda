/** Who is in which room, as it stands in the page's address. */
export interface Place {
  readonly user: string;
  readonly room: string;
}

/** docs/protocol.md, 1.1. */
const ROOM_ID = /^(?!\.{1,2}$)[A-Za-z0-9._~:-]{1,128}$/;

/** Reads `#room=lobby&user=alice`; what is not there, or no room's id, is left out. */
export function readPlace(hash: string): Partial<Place> {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const user = fields.get("user")?.trim();
  const room = fields.get("room");
  return { ...(user ? { user } : {}), ...(room && ROOM_ID.test(room) ? { room } : {}) };
}

/** The part of an address from `#` on that leads there. */
export function hashOf({ user, room }: Partial<Place>): string {
  const fields = new URLSearchParams();
  if (room) fields.set("room", room);
  if (user) fields.set("user", user);
  return `#${fields}`;
}
