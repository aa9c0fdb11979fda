import type { User } from "../auth/user.ts";

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
 * createApp, so that a project can have its own.
 */
export type Authorize = (user: User, room: string) => RoomPermissions | Promise<RoomPermissions>;

/** Every verified user may do everything in every room. The default. */
export function anyUser(): RoomPermissions {
  return EVERYTHING;
}

/** All permissions. */
export const EVERYTHING: RoomPermissions = { join: true, publish: true, presence: true, history: true };

/** No permission. */
export const NOTHING: RoomPermissions = { join: false, publish: false, presence: false, history: false };
