/** A room in the list of an isolate's rooms. */
export interface ListedRoom {
  /** Name with its endpoint, `rooms/lobby`. */
  readonly room: string;
  /** Members in this isolate. */
  readonly members: number;
  /** Offset of the last message. */
  readonly offset: number;
  /**
   * Time of the last message, in milliseconds since 1970; null if there was none since the room has
   * members here.
   */
  readonly last_at: number | null;
}

/** A page of the list. */
export interface RoomList {
  readonly rooms: readonly ListedRoom[];
  /** Cursor of the next page; null behind the last room. */
  readonly next: string | null;
}

/** Selects a page of the list. */
export interface RoomListQuery {
  /** Name of the room that the page begins after; the room may be gone. */
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/**
 * Returns a page in the order of names. A room that stays open is on exactly one page, whichever
 * others come and go in between.
 */
export function pageOfRooms<Room extends { readonly key: string }>(
  open: readonly Room[],
  { cursor, limit }: RoomListQuery,
  listed: (room: Room) => ListedRoom,
): RoomList {
  const later = cursor === undefined ? [...open] : open.filter(({ key }) => key > cursor);
  later.sort((one, other) => one.key < other.key ? -1 : 1);
  const rooms = later.slice(0, limit);
  return { rooms: rooms.map(listed), next: later.length > limit ? rooms.at(-1)?.key ?? null : null };
}
