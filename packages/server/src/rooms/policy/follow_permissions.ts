import { CLOSE } from "../../../../protocol/close_codes.ts";
import { PolicyFailed } from "./authorize.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";

/** Keeps a member's permissions up to date, where its policy reports changes. */
export function followPermissions(member: Member, { room, authorize }: JoinRequest): void {
  const watch = authorize.watch?.(member.user.id, room, again);
  // Changes between the handshake and this watch were reported to nobody.
  if (watch) member.follow(watch);

  async function again(): Promise<void> {
    const { user } = member;
    try {
      const permissions = await authorize(user, room);
      // A fresh token came in between, and its own check follows.
      if (member.user !== user || member.isClosedByUs || !member.socket.isOpen) return;
      if (!permissions.join) return member.evict();
      const sawPresence = member.seesPresence;
      // Permissions change first, so that a frame in between cannot enter presence again.
      member.permit(permissions);
      if (!permissions.presence) await member.presence.revoke();
      if (!sawPresence && permissions.presence) member.showPresence();
    } catch (error) {
      if (!(error instanceof PolicyFailed)) throw error;
      member.endFailed(error, CLOSE.tooSlow, "the room policy failed; connect again later");
    }
  }
}
