import type { PresenceChange } from "./contract.ts";

/** Applies a change to a presence list, keyed by connection. `entry` is that of the change. */
export function applyChange<T>(present: Map<string, T>, change: PresenceChange, entry: T): void {
  const { connection } = change.entry;
  if (change.type === "updated" && change.previous !== undefined) present.delete(change.previous);
  if (change.type === "left") present.delete(connection);
  else present.set(connection, entry);
}
