// @ts-types="@types/react"
import { useCallback, useEffect, useSyncExternalStore } from "react";
import type { PresenceMember } from "../../protocol/frames.ts";
import type { RoomError } from "../errors.ts";
import type { EventTypes, Room } from "../room.ts";
import { presenceClaims } from "./presence_claims.ts";

/** Presence, as a component sees it. */
export interface PresentMembers {
  /** One entry per connection, oldest first; the same array until it changes. */
  readonly members: readonly PresenceMember[];
  /** The entries by user: one with three tabs appears once. */
  readonly users: ReadonlyMap<string, readonly PresenceMember[]>;
  /** Error of a refused state, such as `forbidden`; otherwise null. */
  readonly error: RoomError | null;
}

const NOBODY: readonly PresenceMember[] = [];
const NO_USERS: PresentMembers["users"] = new Map();

/**
 * Returns the room's presence and renders after each change. With a `state` the user is present
 * while the component is mounted. Another state, compared as JSON, is an update, without leave and
 * join. Without a state the hook only reads. The latest state of several components counts. Without
 * a room and on the server the lists are empty.
 */
export function usePresence<Published extends EventTypes, Received extends EventTypes>(
  room: Room<Published, Received> | null,
  state?: Readonly<Record<string, unknown>> | null,
): PresentMembers {
  const text = state ? JSON.stringify(state) : null;
  useEffect(() => {
    if (room && text !== null) return presenceClaims(room).claim(text);
  }, [room, text]);

  const subscribe = useCallback(
    (onChange: () => void) => room?.on("presence", onChange) ?? nothing,
    [room],
  );
  const subscribeToClaims = useCallback(
    (onChange: () => void) => room ? presenceClaims(room).subscribe(onChange) : nothing,
    [room],
  );
  const members = useSyncExternalStore(subscribe, () => room?.presence.members ?? NOBODY, () => NOBODY);
  const users = useSyncExternalStore(subscribe, () => room?.presence.users ?? NO_USERS, () => NO_USERS);
  const error = useSyncExternalStore(
    subscribeToClaims,
    () => room ? presenceClaims(room).error : null,
    () => null,
  );
  return { members, users, error };
}

function nothing(): void {}
