import type { AuthFrame } from "../../../../protocol/frames.ts";
import type { User } from "../../auth/user.ts";
import type { Verifier } from "../../auth/verification.ts";
import type { ErrorCode, ErrorDetails } from "../../../../protocol/error_codes.ts";
import type { ConnectionWatch } from "../connection_watch.ts";
import type { Membership } from "../membership.ts";
import type { RoomDeps } from "../room_deps.ts";

/** The user of a fresh token, or the `error` that answers it. */
export type FreshToken =
  | { readonly user: User; readonly code?: undefined }
  | { readonly code: ErrorCode; readonly details: ErrorDetails };

/**
 * Verifies the token of an `auth` frame, which has to belong to the same user.
 * @throws as a rejection, if the verifier fails
 */
export async function verifyFreshToken(
  verifier: Verifier,
  { id, token }: AuthFrame,
  userId: string,
): Promise<FreshToken> {
  const verification = await verifier.verify(token);
  if (!verification.ok) {
    const { code, detail, retryAfterMs } = verification;
    return { code, details: { id, field: "token", message: detail, retryAfterMs } };
  }
  if (verification.user.id === userId) return { user: verification.user };
  const message = "The token belongs to another user. Send one of the same user.";
  return { code: "forbidden", details: { id, field: "token", message } };
}

/**
 * Handles an `auth` frame: gives the member a fresh token and its current permissions. Never
 * rejects.
 */
export async function renewToken(
  connection: ConnectionWatch,
  { member, request: { room, key, authorize } }: Membership,
  frame: AuthFrame,
  { verifier, backplane }: RoomDeps,
): Promise<void> {
  const { id } = frame;
  try {
    const fresh = await verifyFreshToken(verifier, frame, member.user.id);
    if (fresh.code) return member.error(fresh.code, fresh.details);
    const { user } = fresh;
    const permissions = await authorize(user, room);
    if (!permissions.join) return member.evict(id);
    const sawPresence = member.seesPresence;
    if (sawPresence && !permissions.presence) await backplane.leave(key, member.connection);
    connection.renew(user);
    member.renew(permissions);
    member.reply(JSON.stringify({ type: "authenticated", id, expires_at: user.expiresAt }));
    if (!sawPresence && permissions.presence) member.showPresence();
  } catch (error) {
    member.failed(error, id);
  }
}
