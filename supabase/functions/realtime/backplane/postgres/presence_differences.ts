import type { PresenceChange, PresenceEntry } from "../contract.ts";

/**
 * What makes one list of who is present another one, as it could have been told. Where a user's connection is gone and another of theirs
 * has come, it went on as that one: so nobody seems to leave and to come who never did.
 */
export function differences(
  before: ReadonlyMap<string, PresenceEntry>,
  after: readonly PresenceEntry[],
): PresenceChange[] {
  const connections = new Set(after.map(({ connection }) => connection));
  const gone = new Map<string, PresenceEntry[]>();
  for (const entry of before.values()) {
    if (connections.has(entry.connection)) continue;
    const others = gone.get(entry.user);
    if (others) others.push(entry);
    else gone.set(entry.user, [entry]);
  }
  const changes: PresenceChange[] = [];
  for (const entry of after) {
    const known = before.get(entry.connection);
    if (known) {
      if (known.state !== entry.state) changes.push({ type: "updated", entry });
      continue;
    }
    const previous = gone.get(entry.user)?.shift()?.connection;
    changes.push(previous === undefined ? { type: "joined", entry } : { type: "updated", entry, previous });
  }
  const left = [...gone.values()].flat().map((entry) => ({ type: "left" as const, entry }));
  return [...left, ...changes];
}
