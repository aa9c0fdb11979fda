import { assertEquals } from "@std/assert";
import type { FrameOf } from "../support/room_client.ts";
import type { PresenceChange, PresenceEntry } from "../../packages/server/src/backplane/contract.ts";

type PresenceFrame = FrameOf<"presence">;
type Member = NonNullable<PresenceFrame["members"]>[number];

function entryOf({ user, connection, state }: Member): PresenceEntry {
  return { user, connection, state: JSON.stringify(state) };
}

/** Sorts entries, so that two lists can be compared. */
export function sortEntries(entries: Iterable<PresenceEntry>): PresenceEntry[] {
  return [...entries].sort((a, b) => a.connection < b.connection ? -1 : 1);
}

/** Presence as one member sees it: the received list with every received change applied. */
export class PresenceReplica {
  /** Changes received after the list. */
  readonly changes: PresenceChange[] = [];
  readonly #present = new Map<string, PresenceEntry>();
  #isListed = false;

  /** Present entries, sorted. */
  get present(): PresenceEntry[] {
    return sortEntries(this.#present.values());
  }

  /** Applies a frame; fails when it contradicts the previous ones. */
  apply({ members, joined = [], updated = [], left = [] }: PresenceFrame): void {
    if (members) {
      assertEquals(this.#isListed, false, "the list came twice");
      this.#isListed = true;
      for (const member of members) this.#present.set(member.connection, entryOf(member));
      return;
    }
    assertEquals(this.#isListed, true, "a change came before the list");
    for (const member of joined) {
      assertEquals(this.#present.has(member.connection), false, "a present member joined");
      this.#change({ type: "joined", entry: entryOf(member) });
    }
    for (const { previous, ...member } of updated) {
      assertEquals(this.#present.has(previous ?? member.connection), true, "an absent member was updated");
      this.#change({
        type: "updated",
        entry: entryOf(member),
        ...(previous === undefined ? {} : { previous }),
      });
    }
    for (const { user, connection } of left) {
      const entry = this.#present.get(connection);
      assertEquals(entry?.user, user, "an absent member left");
      this.#change({ type: "left", entry: { user, connection, state: entry?.state ?? "" } });
    }
  }

  #change(change: PresenceChange): void {
    this.changes.push(change);
    if (change.type === "updated" && change.previous !== undefined) this.#present.delete(change.previous);
    if (change.type === "left") this.#present.delete(change.entry.connection);
    else this.#present.set(change.entry.connection, change.entry);
  }
}
