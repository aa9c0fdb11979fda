// @ts-types="@types/react"
import { useEffect } from "react";
import type { EventName, EventTypes, Room, RoomListeners, RoomMessage } from "../room.ts";
import { useLatest } from "./use_retained.ts";

/**
 * Calls back with every message of one event while the component is mounted, ephemeral ones
 * included. The callback is that of the last render, so it may be inline.
 */
export function useRoomEvent<
  Published extends EventTypes,
  Received extends EventTypes,
  Name extends EventName<Received>,
>(
  room: Room<Published, Received> | null,
  event: Name,
  callback: (message: RoomMessage<Pick<Received, Name>>) => void,
): void {
  const latest = useLatest(callback);
  useEffect(() =>
    room?.on("message", (message) => {
      if (message.event === event) latest.current(message as RoomMessage<Pick<Received, Name>>);
    }), [room, event, latest]);
}

/**
 * Calls back with a room's other events while the component is mounted: `room.on` for `gap`,
 * `error`, `undelivered`, … The callback is that of the last render.
 */
export function useRoomListener<
  Published extends EventTypes,
  Received extends EventTypes,
  Kind extends keyof RoomListeners<Received>,
>(
  room: Room<Published, Received> | null,
  kind: Kind,
  callback: (value: RoomListeners<Received>[Kind]) => void,
): void {
  const latest = useLatest(callback);
  useEffect(() => room?.on(kind, (value) => latest.current(value)), [room, kind, latest]);
}
