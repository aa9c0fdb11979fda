// @ts-types="@types/react"
import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import type { EventName, EventTypes, Room, RoomMessage } from "../room.ts";
import { EMPTY_LOG, type LoggedMessages, MessageLog } from "./message_log.ts";
import { useRetained } from "./use_retained.ts";

/** Filter and size of the list. Other events start a new list. */
export interface MessagesOptions<Name extends string> {
  /** Event or events to list. Default: all. */
  readonly event?: Name | readonly Name[] | undefined;
  /** Most retained messages and gaps; the oldest go first. Default: 200. */
  readonly limit?: number | undefined;
  /**
   * True lists ephemeral messages (`emit`) too; `useRoomEvent` always receives them. Default:
   * false.
   */
  readonly ephemeral?: boolean | undefined;
}

/** Last messages of a room. */
export interface MessageList<Message> extends LoggedMessages<Message> {
  /**
   * Adds a page of older messages, beyond the limit. Waits for a connection.
   * @throws {RoomError} `forbidden`, `closed`, …
   */
  loadOlder(): Promise<void>;
}

const DEFAULT_LIMIT = 200;
const NOTHING: LoggedMessages<never> = { messages: [], gaps: [], hasOlder: false };

/**
 * Returns a room's messages from the mount on and renders after each change. `history` in the
 * room's options adds earlier ones, and `loadOlder` loads more. `gaps` lists messages that are lost
 * for good. A component that was hidden (`<Activity>`) reads the missed messages from the room's
 * history. Many messages at once cause one render; `useDeferredValue` keeps typing smooth beside a
 * long list. Another room starts a new list. Without a room and on the server the list is empty.
 *
 * @throws {RangeError} while rendering, if `limit` is not a whole number of at least 1
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
  const log = useRetained(() => {
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
