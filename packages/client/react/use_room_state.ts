// @ts-types="@types/react"
import { useCallback, useSyncExternalStore } from "react";
import type { EventTypes, Room } from "../room.ts";
import type { IdleState, RoomState } from "../state.ts";

const IDLE: IdleState = { type: "idle" };

/**
 * Returns the room's state and renders after each change. Without a room and on the server: `idle`.
 */
export function useRoomState<Published extends EventTypes, Received extends EventTypes>(
  room: Room<Published, Received> | null,
): RoomState {
  const subscribe = useCallback(
    (onChange: () => void) => room?.on("state", onChange) ?? nothing,
    [room],
  );
  return useSyncExternalStore(subscribe, () => room?.state ?? IDLE, () => IDLE);
}

function nothing(): void {}
