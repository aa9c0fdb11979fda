import { applyChange } from "../apply_change.ts";
import type { PresenceChange, PresenceEntry } from "../contract.ts";
import type { ListedEntry } from "./records.ts";

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

  /** What has changed when these are present now: how it came to it is not known, but who went on as whom is where it was said. */
  changesTo(entries: readonly ListedEntry[]): PresenceChange[] {
    const now = new Set(entries.map(({ connection }) => connection));
    const gone = new Map(Array.from(this.#byConnection).filter(([connection]) => !now.has(connection)));
    const changes: PresenceChange[] = [];
    for (const { user, connection, state, resumedFrom } of entries) {
      const entry = { user, connection, state };
      const before = this.#byConnection.get(connection);
      if (before) {
        if (before.state !== state || before.user !== user) changes.push({ type: "updated", entry });
      } else if (resumedFrom !== undefined && gone.delete(resumedFrom)) {
        changes.push({ type: "updated", entry, previous: resumedFrom });
      } else {
        changes.push({ type: "joined", entry });
      }
    }
    return [...Array.from(gone.values(), (entry) => ({ type: "left" as const, entry })), ...changes];
  }
}
