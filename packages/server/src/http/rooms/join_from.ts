import type { JoinFrom } from "../../rooms/join_request.ts";
import type { JoinQuery } from "../../schemas/join_query.ts";

/** Start of the messages that the query of a room's address asks for. */
export function joinFrom({ after, epoch, connection, history }: JoinQuery): JoinFrom {
  if (after !== undefined && epoch !== undefined) {
    return { type: "resume", after, epoch, ...(connection ? { previous: connection } : {}) };
  }
  return history === undefined ? { type: "live" } : { type: "history", count: history };
}
