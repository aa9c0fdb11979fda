import type { User } from "../../auth/user.ts";
import { BackplaneUnavailable } from "../../backplane/contract.ts";

/** Permissions of a user in a room. */
export interface RoomPermissions {
  readonly join: boolean;
  readonly publish: boolean;
  /** See presence, and enter it. */
  readonly presence: boolean;
  /** Read earlier messages. */
  readonly history: boolean;
}

/**
 * Decides the permissions of a user in a room. Called before the upgrade, and again when the user
 * sends a fresh token. A rejection refuses the user with 503.
 */
export interface Authorize {
  (user: User, room: string): RoomPermissions | Promise<RoomPermissions>;
  /** Reports changes of permissions; without it a decision holds until the next token. */
  readonly watch?: WatchPermissions;
}

/**
 * Starts a watch that calls `again` when a user's permissions may have changed, never twice at
 * once. `again` asks the policy and applies the answer. When it rejects, it is called again after a
 * while.
 */
export type WatchPermissions = (userId: string, room: string, again: () => Promise<void>) => PermissionWatch;

/** A watch of one member's permissions. */
export interface PermissionWatch {
  /** Calls `again` soon, as after a change. */
  refresh(): void;
  /** Ends the watch: `again` is not called any more. */
  stop(): void;
}

/**
 * The policy itself failed: it lets nobody in, and earlier decisions do not count. An unreachable
 * database is another case: members stay, and are checked when it is back.
 */
export class PolicyFailed extends BackplaneUnavailable {}

/** The default policy: every verified user may do everything in every room. */
export function anyUser(): RoomPermissions {
  return EVERYTHING;
}

/** All permissions. */
export const EVERYTHING: RoomPermissions = { join: true, publish: true, presence: true, history: true };

/**
 * Permissions of a list of allowed actions. Nothing is allowed without `join`; unknown actions do
 * not count.
 */
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
