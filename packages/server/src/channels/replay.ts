import type { Message } from "../backplane/contract.ts";
import { MAX_PAGE } from "../../../protocol/limits.ts";
import type { RoomDeps } from "../rooms/room_deps.ts";
import type { ChannelRoom } from "./channel_room.ts";
import type { Replay } from "./join_config.ts";

/**
 * Finds the offset after which a replay begins: that of the newest `limit` messages since a time.
 * Messages that the room delivers meanwhile come after it, since the page may not have them.
 * @throws {BackplaneUnavailable} as a rejection
 */
export async function startOfReplay(
  { since, limit }: Replay,
  room: ChannelRoom,
  user: string,
  { backplane, reads }: RoomDeps,
): Promise<number> {
  const { head } = room;
  const page = await reads.run(user, () => backplane.history(room.key, { since, limit: 1 }));
  const first = page.messages[0]?.offset ?? Infinity;
  const earliest = limit === undefined ? 0 : head - limit;
  return Math.min(Math.max(first - 1, earliest), head);
}

/**
 * Reads the room's messages after an offset, page by page, up to the last one that the room has
 * delivered. The room's next message then follows the last page.
 * @throws {BackplaneUnavailable} as a rejection
 */
export async function* missedMessages(
  start: number,
  room: ChannelRoom,
  user: string,
  { backplane, reads }: RoomDeps,
): AsyncGenerator<readonly Message[]> {
  for (let cursor = start; cursor < room.head;) {
    const after = cursor;
    const page = await reads.run(user, () => backplane.history(room.key, { after, limit: MAX_PAGE }));
    // The room itself delivers what comes after its head.
    const messages = page.messages.filter(({ offset }) => offset <= room.head);
    const reached = messages.at(-1)?.offset ?? page.first - 1;
    if (reached <= cursor) {
      throw new Error(`The backplane returned no history after offset ${cursor}, but the room has more.`);
    }
    cursor = reached;
    yield messages;
  }
}
