import type { Ledger } from "./ledger.ts";

/** Whom one member sees in its room at a moment, and who it is itself. */
export interface PresenceView {
  readonly member: number;
  readonly room: string;
  /** Its connection's id; null: it is not live at this moment. */
  readonly connection: string | null;
  /** Whom it sees, by their connections, and who they say they are. */
  readonly present: readonly { readonly connection: string; readonly member: number }[];
}

/** Whether at this moment every member of the room is live, and sees exactly those that are. Pure, as all here. */
export function isExact(views: readonly PresenceView[]): boolean {
  const connected = new Set(views.map(({ connection }) => connection));
  return !connected.has(null) &&
    views.every(({ present }) =>
      present.length === connected.size && present.every(({ connection }) => connected.has(connection))
    );
}

/** Enters who is seen and is not there, and who is there and is not seen, of a room that did not become exact in time. */
export function judgePresence(ledger: Ledger, views: readonly PresenceView[]): void {
  const connected = new Map(views.map(({ connection, member }) => [connection, member]));
  for (const { member, room, connection: own, present } of views) {
    if (own === null) {
      ledger.breach("absent", `room ${room}: client ${member} is not connected`);
      continue;
    }
    for (const { connection, member: who } of present) {
      if (connected.has(connection)) continue;
      ledger.breach(
        "ghosts",
        `room ${room}: client ${member} sees client ${who} as ${connection}, who is not connected`,
      );
    }
    const seen = new Set(present.map(({ connection }) => connection));
    for (const [connection, who] of connected) {
      if (connection === null || seen.has(connection)) continue;
      ledger.breach("absent", `room ${room}: client ${member} does not see client ${who} as ${connection}`);
    }
  }
}
