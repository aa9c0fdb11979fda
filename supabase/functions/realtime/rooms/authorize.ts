import type { User } from "../auth/user.ts";

/** What a user may do in a room. */
export interface RoomPermissions {
  readonly join: boolean;
  readonly publish: boolean;
  readonly presence: boolean;
  readonly history: boolean;
}

/** Decides what a user may do in a room; awaited before the upgrade. Given to createApp, so that a project can have its own. */
export type Authorize = (user: User, room: string) => RoomPermissions | Promise<RoomPermissions>;

/** Every verified user may do everything in every room. The default. */
export function anyUser(): RoomPermissions {
  return EVERYTHING;
}

const EVERYTHING: RoomPermissions = { join: true, publish: true, presence: true, history: true };
