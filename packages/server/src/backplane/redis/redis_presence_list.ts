import { applyChange } from "../apply_change.ts";
import type { PresenceChange, PresenceEntry } from "../contract.ts";
import { diffPresence, type ListedEntry } from "../presence_diff.ts";

/** Who is present in a room, by what was told. */
export class Present {
  readonly #byConnection = new Map<string, PresenceEntry>();

  /** Those who are there in the beginning. */
  constructor(entries: Iterable<PresenceEntry>) {
    for (const { user, connection, state } of entries) {
      this.#byConnection.set(connection, { user, connection, state });
    }
  }

  /** How many there are. */
  get count(): number {
    return this.#byConnection.size;
  }

  /** Those who are there. */
  list(): PresenceEntry[] {
    return [...this.#byConnection.values()];
  }

  /** Takes a change in. */
  apply(change: PresenceChange): void {
    applyChange(this.#byConnection, change);
  }

  /** What has changed when these are present now. */
  changesTo(entries: readonly ListedEntry[]): PresenceChange[] {
    return diffPresence(this.#byConnection, entries);
  }
}
