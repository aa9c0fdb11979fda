import type { Position } from "../../protocol/frames.ts";
import { MAX_PAGE } from "../../protocol/limits.ts";
import type { EventTypes, Gap, Room, RoomMessage } from "../room.ts";

/** A past message with its epoch, or a gap. */
export type Past<Events extends EventTypes> =
  | { readonly type: "message"; readonly message: RoomMessage<Events>; readonly epoch: string | null }
  | { readonly type: "gap"; readonly gap: Gap };

/** Range and filter of the missed messages. */
export interface MissedQuery<Events extends EventTypes> {
  /** Last position that was received. */
  readonly left: Position;
  /** Last position to read. */
  readonly now: Position;
  /** Number of messages to read, the last ones, as a rough bound. */
  readonly limit: number;
  readonly isWanted: (message: RoomMessage<Events>) => boolean;
}

/** Most pages to search for wanted messages. */
const MAX_PAGES = 10;

/**
 * Reads the last messages between two positions. Never throws: unreadable messages become a gap.
 */
export async function readMissed<Events extends EventTypes>(
  room: Pick<Room<EventTypes, Events>, "history">,
  { left, now, limit, isWanted }: MissedQuery<Events>,
): Promise<Past<Events>[]> {
  const { epoch } = now;
  const isSameHistory = left.epoch === epoch;
  const from = isSameHistory ? left.offset + 1 : 1;
  /** First offset that was read. */
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
    // Forbidden, or closed meanwhile: the gap below covers the rest.
  }
  const past: Past<Events>[] = wanted.map((message) => ({ type: "message", message, epoch }));
  if (!isSameHistory) past.unshift({ type: "gap", gap: { from: left.offset + 1, to: null, epoch } });
  else if (first > from) past.unshift({ type: "gap", gap: { from, to: first - 1, epoch } });
  return past;
}
