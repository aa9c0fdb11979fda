import type { PresenceChange, PresenceEntry } from "./contract.ts";

/** Does a change to a list of who is present, by connection. */
export function applyChange(present: Map<string, PresenceEntry>, change: PresenceChange): void {
  const { entry } = change;
  if (change.type === "updated" && change.previous !== undefined) present.delete(change.previous);
  if (change.type === "left") present.delete(entry.connection);
  else present.set(entry.connection, entry);
}
