// @ts-types="@types/react"
import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import type { EventName, EventTypes, Room, RoomMessage } from "../room.ts";
import { EMPTY_LOG, type LoggedMessages, MessageLog } from "./message_log.ts";
import { useKept } from "./use_retained.ts";

/** Which messages are kept. Other events than before begin another list. */
export interface MessagesOptions<Name extends string> {
  /** Only messages of this event, or of these. Default: all. */
  readonly event?: Name | readonly Name[] | undefined;
  /** Messages (and gaps) that are kept; the oldest go first. Default: 200. */
  readonly limit?: number | undefined;
  /** Whether ephemeral ones (`emit`) are kept too; `useRoomEvent` hears them in any case. Default: false. */
  readonly ephemeral?: boolean | undefined;
}

/** A room's last messages. */
export interface MessageList<Message> extends LoggedMessages<Message> {
  /**
   * Adds a page of what was before the first message; it is kept beyond the limit. Waits for a connection.
   * @throws {RoomError} `forbidden`, `closed`, …
   */
  loadOlder(): Promise<void>;
}

const DEFAULT_LIMIT = 200;
const NOTHING: LoggedMessages<never> = { messages: [], gaps: [], hasOlder: false };

/**
 * Returns a room's messages from when the component is mounted, and renders again when there are more: with `history` in the room's
 * options that begins with those of before, and `loadOlder` brings more of them. Where some are missing for good, `gaps` says so. What
 * comes while the component is hidden (`<Activity>`) is read from the room's history when it is shown again. Many messages at once are
 * one render; `useDeferredValue` keeps a long list from holding up typing. Another room begins another list; no room, and the server,
 * have an empty one.
 *
 * @throws {RangeError} while rendering, when `limit` is not a whole number of at least 1
 */
export function useMessages<
  Published extends EventTypes,
  Received extends EventTypes,
  Name extends EventName<Received> = EventName<Received>,
>(
  room: Room<Published, Received> | null,
  { event, limit = DEFAULT_LIMIT, ephemeral = false }: MessagesOptions<Name> = {},
): MessageList<RoomMessage<Pick<Received, Name>>> {
  const events = event === undefined ? null : JSON.stringify([event].flat());
  const log = useKept(() => {
    if (!room) return null;
    const names: unknown = events === null ? null : JSON.parse(events);
    const isWanted = (message: RoomMessage<Received>) =>
      (ephemeral || message.offset !== undefined) &&
      (!Array.isArray(names) || names.includes(message.event));
    return new MessageLog<Received>(room, { isWanted, limit });
  }, [room, events, ephemeral]);
  useEffect(() => log?.limitTo(limit), [log, limit]);

  const subscribe = useCallback((onChange: () => void) => log?.subscribe(onChange) ?? nothing, [log]);
  const snapshot = useSyncExternalStore(
    subscribe,
    () => log?.snapshot ?? NOTHING,
    () => log ? EMPTY_LOG : NOTHING,
  );
  return useMemo(() => ({
    // `isWanted` lets only these events through.
    ...snapshot as LoggedMessages<RoomMessage<Pick<Received, Name>>>,
    loadOlder: async () => await log?.loadOlder(),
  }), [snapshot, log]);
}

function nothing(): void {}
