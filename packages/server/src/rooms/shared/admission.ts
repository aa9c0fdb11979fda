import type { ErrorCode, ErrorDetails } from "../../../../protocol/error_codes.ts";
import type { JoinFrame } from "../../../../protocol/frames.ts";
import type { User } from "../../auth/user.ts";
import type { JoinRequest } from "../join_request.ts";

/** A join over a socket for many rooms, with its room as `ENDPOINT/ID`. */
export type RoomJoin = Omit<JoinFrame, "type" | "id">;

/** The join request of an admitted user, or the refusal. */
export type Admission =
  | { readonly request: JoinRequest; readonly code?: undefined }
  | { readonly code: ErrorCode; readonly details: ErrorDetails };

/**
 * Decides about a join as the room's own address decides about an upgrade. A rejection is a fault of
 * ours.
 */
export type AdmitToRoom = (join: RoomJoin, user: User) => Promise<Admission>;

/** The endpoint of a room that is named by its id alone. */
const DEFAULT_ENDPOINT = "rooms";

/** The room as `ENDPOINT/ID`. */
export function canonicalRoom(room: string): string {
  return room.includes("/") ? room : `${DEFAULT_ENDPOINT}/${room}`;
}
