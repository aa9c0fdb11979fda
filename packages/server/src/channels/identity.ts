import { RESERVED_SENDERS, type User } from "../auth/user.ts";

/** The sender of a user's messages: the user, or the role of an API key if no `sub` can be that. */
export function senderOf(user: User): string {
  return user.claims.sub === undefined && RESERVED_SENDERS.has(user.role) ? user.role : user.id;
}

/** True for the project itself, which a legacy secret key names: no policy concerns it. */
export function isProject(user: User): boolean {
  return user.role === "service_role" && user.claims.sub === undefined;
}

/**
 * The owner of a presence entry. A lost entry is taken over by the same owner only. So another tab
 * of a user, or another holder of a public key, does not end a presence with another key.
 */
export function presenceOwner(user: User, key: string): string {
  const sender = senderOf(user);
  return key === sender ? sender : `${sender}#${encodeURIComponent(key)}`;
}
