import { applyChange } from "../apply_change.ts";
import type { PresenceChange, PresenceEntry } from "../contract.ts";
import { diffPresence, type ListedEntry } from "../presence_diff.ts";

/** Presence of a room as last delivered to subscribers. */
export class PresenceList {
  readonly #byConnection = new Map<string, PresenceEntry>();

  constructor(entries: Iterable<PresenceEntry>) {
    for (const { user, connection, state } of entries) {
      this.#byConnection.set(connection, { user, connection, state });
    }
  }

  /** Number of entries. */
  get count(): number {
    return this.#byConnection.size;
  }

  /** Copies the entries. */
  list(): PresenceEntry[] {
    return [...this.#byConnection.values()];
  }

  /** Applies a delivered change. */
  apply(change: PresenceChange): void {
    applyChange(this.#byConnection, change, change.entry);
  }

  /** Computes the changes to the given entries. */
  diff(entries: readonly ListedEntry[]): PresenceChange[] {
    return diffPresence(this.#byConnection, entries);
  }
}
