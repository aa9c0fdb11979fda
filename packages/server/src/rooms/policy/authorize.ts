import type { User } from "../../auth/user.ts";
import { BackplaneUnavailable } from "../../backplane/contract.ts";

/** What a user may do in a room. */
export interface RoomPermissions {
  readonly join: boolean;
  readonly publish: boolean;
  /** See who is present, and be. */
  readonly presence: boolean;
  /** Read what was published before. */
  readonly history: boolean;
}

/**
 * Decides what a user may do in a room; awaited before the upgrade, and again when the user brings a fresh token. Given to
 * realtime, so that a project can have its own.
 */
export interface Authorize {
  (user: User, room: string): RoomPermissions | Promise<RoomPermissions>;
  /** Absent where what was decided holds until the user brings another token. */
  readonly watch?: WatchPermissions;
}

/**
 * Begins to tell when a user may have to be decided about anew. `again` is called then, and never twice at once: it asks the policy and does
 * what follows from the answer; when it rejects it is called again after a while.
 */
export type WatchPermissions = (userId: string, room: string, again: () => Promise<void>) => PermissionWatch;

/** What keeps one member's permissions what the policy says. */
export interface PermissionWatch {
  /** Calls `again` soon, as if something had changed. */
  look(): void;
  /** Ends it: `again` is not called any more. */
  stop(): void;
}

/**
 * The policy itself is at fault: nobody is let in by it, and nobody stays by what it said before. The database's not being there is
 * not that: members stay then, and are looked at when it is back.
 */
export class PolicyFailed extends BackplaneUnavailable {}

/** Every verified user may do everything in every room. The default. */
export function anyUser(): RoomPermissions {
  return EVERYTHING;
}

/** All permissions. */
export const EVERYTHING: RoomPermissions = { join: true, publish: true, presence: true, history: true };

/** What a list of allowed actions comes to: nothing is allowed without `join`, and what is no action does not count. */
export function permissionsOf(actions: Iterable<unknown>): RoomPermissions {
  const allowed = new Set(actions);
  if (!allowed.has("join")) return NOTHING;
  return {
    join: true,
    publish: allowed.has("publish"),
    presence: allowed.has("presence"),
    history: allowed.has("history"),
  };
}

/** No permission. */
export const NOTHING: RoomPermissions = { join: false, publish: false, presence: false, history: false };
