import type { PresenceChange, PresenceEntry } from "./contract.ts";

/** An entry as a server lists it. */
export interface ListedEntry extends PresenceEntry {
  /** The connection that a resume named when it took it over. */
  readonly resumedFrom?: string | undefined;
}

/**
 * What makes one list of who is present another one, as it could have been told. A connection that has come goes on as the one that its
 * resume named; where that is not known, as another of the same user that is gone: so nobody seems to leave and to come who never did.
 */
export function differences(
  before: ReadonlyMap<string, PresenceEntry>,
  after: readonly ListedEntry[],
): PresenceChange[] {
  const now = new Set(after.map(({ connection }) => connection));
  const gone = new Map(Array.from(before).filter(([connection]) => !now.has(connection)));
  const previousOf = new Map<string, string>();
  const fresh = after.filter(({ connection }) => !before.has(connection));
  // Those that are named first: nobody else is to have them.
  for (const { user, connection, resumedFrom } of fresh) {
    if (resumedFrom === undefined || gone.get(resumedFrom)?.user !== user) continue;
    gone.delete(resumedFrom);
    previousOf.set(connection, resumedFrom);
  }
  for (const { user, connection } of fresh) {
    if (previousOf.has(connection)) continue;
    const previous = Array.from(gone.values()).find((entry) => entry.user === user)?.connection;
    if (previous === undefined) continue;
    gone.delete(previous);
    previousOf.set(connection, previous);
  }
  const changes: PresenceChange[] = [];
  for (const { user, connection, state } of after) {
    const entry = { user, connection, state };
    const known = before.get(connection);
    const previous = previousOf.get(connection);
    if (previous !== undefined) changes.push({ type: "updated", entry, previous });
    else if (!known) changes.push({ type: "joined", entry });
    else if (known.state !== state || known.user !== user) changes.push({ type: "updated", entry });
  }
  return [...Array.from(gone.values(), (entry) => ({ type: "left" as const, entry })), ...changes];
}
