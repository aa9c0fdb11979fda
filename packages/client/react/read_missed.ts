import type { Position } from "../../protocol/frames.ts";
import type { EventTypes, Gap, Room, RoomMessage } from "../room.ts";

/** Something of a room's past: a message with its history's name, or that some are missing. */
export type Past<Events extends EventTypes> =
  | { readonly type: "message"; readonly message: RoomMessage<Events>; readonly epoch: string | null }
  | { readonly type: "gap"; readonly gap: Gap };

/** What is to be read. */
export interface MissedQuery<Events extends EventTypes> {
  /** Up to where messages were had. */
  readonly left: Position;
  /** Up to where they are read. */
  readonly now: Position;
  /** The last so many, about. */
  readonly limit: number;
  readonly isWanted: (message: RoomMessage<Events>) => boolean;
}

/** The most messages that the server gives in a page of history. */
export const MAX_PAGE = 500;
/** Pages that are looked through for messages that are wanted. */
const MAX_PAGES = 10;

/** Reads what came between two positions, the last of it where that is much. Never throws: what cannot be had is a gap. */
export async function readMissed<Events extends EventTypes>(
  room: Pick<Room<EventTypes, Events>, "history">,
  { left, now, limit, isWanted }: MissedQuery<Events>,
): Promise<Past<Events>[]> {
  const { epoch } = now;
  const isSameHistory = left.epoch === epoch;
  const from = isSameHistory ? left.offset + 1 : 1;
  /** The first offset that was read. */
  let first = now.offset + 1;
  let wanted: RoomMessage<Events>[] = [];
  try {
    for (let pages = 0; pages < MAX_PAGES && first > from && wanted.length < limit; pages++) {
      const { messages, more } = await room.history({ before: first, limit: MAX_PAGE });
      const missed = messages.filter(({ offset = 0 }) => offset >= from);
      wanted = [...missed.filter(isWanted), ...wanted];
      first = missed[0]?.offset ?? first;
      if (!more || missed.length < messages.length) break;
    }
  } catch {
    // Not allowed, or closed meanwhile: the gap below says what was not read.
  }
  const past: Past<Events>[] = wanted.map((message) => ({ type: "message", message, epoch }));
  if (!isSameHistory) past.unshift({ type: "gap", gap: { from: left.offset + 1, to: null, epoch } });
  else if (first > from) past.unshift({ type: "gap", gap: { from, to: first - 1, epoch } });
  return past;
}
