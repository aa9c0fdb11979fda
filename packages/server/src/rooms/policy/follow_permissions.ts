import type { Backplane } from "../../backplane/contract.ts";
import { CLOSE } from "../../../../protocol/close_codes.ts";
import { PolicyFailed } from "./authorize.ts";
import type { JoinRequest } from "../join_request.ts";
import type { Member } from "../member.ts";

/** From now on the member may do what its policy says at any time, where the policy tells of changes. */
export function followPermissions(
  member: Member,
  { room, key, authorize }: JoinRequest,
  backplane: Backplane,
): void {
  const watch = authorize.watch?.(member.user.id, room, again);
  // What changed since the handshake was answered was told to nobody.
  if (watch) member.follow(watch);

  async function again(): Promise<void> {
    const { user } = member;
    try {
      const permissions = await authorize(user, room);
      // A fresh token came meanwhile: it is asked about in its turn.
      if (member.user !== user || member.isClosedByUs || !member.socket.isOpen) return;
      if (!permissions.join) return member.expel();
      const sawPresence = member.seesPresence;
      // Before its entry goes: a frame that comes meanwhile must not bring it back.
      member.permit(permissions);
      if (member.mayLinger && !permissions.presence) {
        await backplane.leave(key, member.connection);
        member.hasLeft();
      }
      if (!sawPresence && permissions.presence && member.room) member.reply(member.room.presenceText());
    } catch (error) {
      if (!(error instanceof PolicyFailed)) throw error;
      member.failed(error, undefined);
      member.close(CLOSE.tooSlow, "it cannot be decided whether the user may be here");
    }
  }
}
