import type { SocketClose } from "../socket/socket.ts";
import type { MemberFrames } from "./inbound/member_frames.ts";
import type { JoinRequest } from "./join_request.ts";
import type { Member } from "./member.ts";

/** A member with what belongs to it, from its join until it has left. */
export interface Membership {
  readonly request: JoinRequest;
  readonly member: Member;
  readonly frames: MemberFrames;
  /** Resolves when the member is live, or the membership has ended. Rejects for a fault of ours. */
  readonly joined: Promise<void>;
  /** Cleans up: the presence, and the room if this was its last member. */
  end(close: SocketClose): Promise<void>;
}
