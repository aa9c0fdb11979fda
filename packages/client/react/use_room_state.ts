// @ts-types="@types/react"
import { useCallback, useSyncExternalStore } from "react";
import type { EventTypes, Room } from "../room.ts";
import type { IdleState, RoomState } from "../state.ts";

const IDLE: IdleState = { type: "idle" };

/** Returns where the room is, and renders again when that changes. Without a room, and on the server, it is `idle`. */
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
