import type { PresenceChange, PresenceEntry } from "./contract.ts";

/** Applies a change to a presence list, which is keyed by connection. */
export function applyChange(present: Map<string, PresenceEntry>, change: PresenceChange): void {
  const { entry } = change;
  if (change.type === "updated" && change.previous !== undefined) present.delete(change.previous);
  if (change.type === "left") present.delete(entry.connection);
  else present.set(entry.connection, entry);
}
