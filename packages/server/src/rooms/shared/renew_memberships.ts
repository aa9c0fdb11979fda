import type { User } from "../../auth/user.ts";
import type { Verifier } from "../../auth/verification.ts";
import type { ErrorCode, ErrorDetails } from "../../../../protocol/error_codes.ts";
import type { AuthFrame } from "../../../../protocol/frames.ts";
import type { ConnectionWatch } from "../connection_watch.ts";
import { verifyFreshToken } from "../inbound/renew_token.ts";
import type { Membership } from "../membership.ts";
import type { RoomPermissions } from "../policy/authorize.ts";

/**
 * Gives a socket for many rooms a fresh token, and each membership its current permissions. A user
 * that may not stay in a room is evicted from that one. If a policy fails, nothing changes.
 * @throws as a rejection, if the verifier or a policy fails
 */
export async function renewMemberships(
  watch: ConnectionWatch,
  memberships: () => readonly Membership[],
  frame: AuthFrame,
  verifier: Verifier,
): Promise<User | { readonly code: ErrorCode; readonly details: ErrorDetails }> {
  const fresh = await verifyFreshToken(verifier, frame, watch.user.id);
  if (fresh.code) return fresh;
  const { user } = fresh;
  const permissionsOf = new Map<Membership, RoomPermissions>();
  // Memberships may open meanwhile, for the old token.
  const undecided = () => memberships().filter((membership) => !permissionsOf.has(membership));
  for (let open = undecided(); open.length > 0; open = undecided()) {
    await Promise.all(open.map(async (membership) => {
      const { authorize, room } = membership.request;
      permissionsOf.set(membership, await authorize(user, room));
    }));
  }
  watch.renew(user);
  await Promise.all(memberships().map((membership) => apply(membership, permissionsOf.get(membership))));
  return user;
}

async function apply({ member }: Membership, permissions: RoomPermissions | undefined): Promise<void> {
  if (!permissions) return;
  if (!permissions.join) return member.evict();
  const sawPresence = member.seesPresence;
  member.renew(permissions);
  if (sawPresence && !permissions.presence) await member.presence.revoke();
  if (!sawPresence && permissions.presence) member.showPresence();
}
