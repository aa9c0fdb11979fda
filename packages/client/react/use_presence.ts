// @ts-types="@types/react"
import { useCallback, useEffect, useSyncExternalStore } from "react";
import type { RoomError } from "../errors.ts";
import type { PresenceMember } from "../../protocol/frames.ts";
import type { EventTypes, Room } from "../room.ts";
import { presenceClaims } from "./presence_claims.ts";

/** Who is there, as a component sees it. */
export interface PresentMembers {
  /** One entry a connection, oldest first; the same array until something changes. */
  readonly members: readonly PresenceMember[];
  /** The same by user: who has three tabs open is there once. */
  readonly users: ReadonlyMap<string, readonly PresenceMember[]>;
  /** Why the given state was refused, such as `forbidden`; null while it was not. */
  readonly error: RoomError | null;
}

const NOBODY: readonly PresenceMember[] = [];
const NO_USERS: PresentMembers["users"] = new Map();

/**
 * Returns who is in the room, and renders again when that changes. With a `state` the user is present in it while the component is
 * mounted; another state, compared as JSON, is a change and no leaving. Null or nothing: only watches. Where several components give a
 * state, the latest counts. Without a room, and on the server, nobody is there.
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
