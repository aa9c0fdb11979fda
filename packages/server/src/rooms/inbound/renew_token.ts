import type { AuthFrame } from "../../../../protocol/frames.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";
import type { RoomDeps } from "../room_deps.ts";

/**
 * Handles an `auth` frame: gives the member a fresh token and its current permissions. Never
 * rejects.
 */
export async function renewToken(
  member: Member,
  { room, key, authorize }: JoinRequest,
  { id, token }: AuthFrame,
  { verifier, backplane }: RoomDeps,
): Promise<void> {
  try {
    const verification = await verifier.verify(token);
    if (!verification.ok) {
      const { code, detail, retryAfterMs } = verification;
      return member.error(code, { id, field: "token", message: detail, retryAfterMs });
    }
    const { user } = verification;
    if (user.id !== member.user.id) {
      return member.error("forbidden", {
        id,
        field: "token",
        message: "The token belongs to another user. Send one of the same user.",
      });
    }
    const permissions = await authorize(user, room);
    if (!permissions.join) return member.evict(id);
    const sawPresence = member.seesPresence;
    if (sawPresence && !permissions.presence) await backplane.leave(key, member.connection);
    member.renew(user, permissions);
    member.reply(JSON.stringify({ type: "authenticated", id, expires_at: user.expiresAt }));
    if (!sawPresence && member.room && permissions.presence) member.reply(member.room.presenceText());
  } catch (error) {
    member.failed(error, id);
  }
}
