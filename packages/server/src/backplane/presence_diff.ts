import type { PresenceChange, PresenceEntry } from "./contract.ts";

/** A presence entry as the store lists it. */
export interface ListedEntry extends PresenceEntry {
  /** Connection that the client named when it resumed. */
  readonly resumedFrom?: string | undefined;
}

/**
 * Computes the changes that turn one presence list into another. A new connection takes over the
 * entry that its resume named. If that connection is unknown, it takes over any removed entry of
 * the same user, so that a reconnect is not reported as `left` and `joined`.
 */
export function diffPresence(
  before: ReadonlyMap<string, PresenceEntry>,
  after: readonly ListedEntry[],
): PresenceChange[] {
  const current = new Set(after.map(({ connection }) => connection));
  const removed = new Map(Array.from(before).filter(([connection]) => !current.has(connection)));
  const previousOf = new Map<string, string>();
  const added = after.filter(({ connection }) => !before.has(connection));
  // Named connections come first: no other connection may take over their entries.
  for (const { user, connection, resumedFrom } of added) {
    if (resumedFrom === undefined || removed.get(resumedFrom)?.user !== user) continue;
    removed.delete(resumedFrom);
    previousOf.set(connection, resumedFrom);
  }
  for (const { user, connection } of added) {
    if (previousOf.has(connection)) continue;
    const previous = Array.from(removed.values()).find((entry) => entry.user === user)?.connection;
    if (previous === undefined) continue;
    removed.delete(previous);
    previousOf.set(connection, previous);
  }
  const changes: PresenceChange[] = [];
  for (const { user, connection, state } of after) {
    const entry = { user, connection, state };
    const old = before.get(connection);
    const previous = previousOf.get(connection);
    if (previous !== undefined) changes.push({ type: "updated", entry, previous });
    else if (!old) changes.push({ type: "joined", entry });
    else if (old.state !== state || old.user !== user) changes.push({ type: "updated", entry });
  }
  return [...Array.from(removed.values(), (entry) => ({ type: "left" as const, entry })), ...changes];
}
