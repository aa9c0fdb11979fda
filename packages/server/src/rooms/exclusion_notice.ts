import type { Ephemeral } from "../backplane/contract.ts";

/** Rejection of a publish that would hide a message from another user's connection. */
export class ForeignConnection extends Error {
  override readonly name = "ForeignConnection";
}

/**
 * Event of a notice. Messages of clients and of SQL have events of 1 to 64 characters, so no user
 * can forge one.
 */
const NOTICE_EVENT = "";
/** Recipient of a notice: no member has this connection, so an isolate without notices drops it. */
const NOBODY = "";

/**
 * Creates the notice that a connection does not get its user's next message of this id. It goes
 * through the room before the message, to the isolate that has the connection.
 */
export function exclusionNotice(user: string, id: string, connection: string): Ephemeral {
  const from = { user, connection };
  return { id, event: NOTICE_EVENT, data: "null", from, at: 0, to: { connection: NOBODY } };
}

/** True for a notice, which no member may see. */
export function isExclusionNotice({ event, to }: Ephemeral): boolean {
  return event === NOTICE_EVENT && to !== undefined && "connection" in to && to.connection === NOBODY;
}
