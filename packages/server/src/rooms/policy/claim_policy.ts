import type { User } from "../../auth/user.ts";
import { type Authorize, EVERYTHING, NOTHING, permissionsOf, type RoomPermissions } from "./authorize.ts";
import { matchesGlob } from "./glob.ts";

/**
 * Creates the policy that lets users into the rooms that an entry of their `app_metadata` names
 * (docs/rooms.md, "Who may do what"):
 *
 * - a list of patterns, `["lobby", "team-7-*"]`: everything in those rooms;
 * - or an object of patterns and allowed actions, `{"news-*": ["join", "history"]}`. Each pattern
 *   that matches adds its actions. Nothing is allowed without `join`.
 *
 * Any other value allows nothing. `user_metadata` never counts: users write it themselves.
 */
export function createClaimPolicy(claim: string): Authorize {
  return function byClaim(user: User, room: string): RoomPermissions {
    const named = Object.hasOwn(user.appMetadata, claim) ? user.appMetadata[claim] : undefined;
    if (Array.isArray(named)) return named.some((pattern) => fits(pattern, room)) ? EVERYTHING : NOTHING;
    if (typeof named !== "object" || named === null) return NOTHING;
    return permissionsOf(
      Object.entries(named).flatMap(([pattern, actions]): unknown[] =>
        fits(pattern, room) && Array.isArray(actions) ? actions : []
      ),
    );
  };
}

function fits(pattern: unknown, room: string): boolean {
  return typeof pattern === "string" && matchesGlob(pattern, room);
}
