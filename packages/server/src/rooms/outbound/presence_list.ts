import { applyChange } from "../../backplane/apply_change.ts";
import type { PresenceChange, PresenceEntry } from "../../backplane/contract.ts";
import { changeText, entryText, presenceChangesText, presenceListText } from "./frame_text.ts";

/** A change, and the text of its entry. */
interface Change {
  readonly change: PresenceChange;
  readonly entry: string;
}

/**
 * Changes for one `presence` frame. It names a connection at most once, so that the order of its
 * lists does not matter. A member that enters and leaves is reported to have done both.
 */
export class PresenceFrame {
  readonly kind = "presence";
  readonly #changes: Change[] = [];
  readonly #named = new Set<string>();
  /** Text of the frame; empty until `PresenceList.apply` makes it. */
  text = "";

  /** True if the frame does not name the connections of a change. */
  takes(change: PresenceChange): boolean {
    return !namesOf(change).some((name) => this.#named.has(name));
  }

  /** Adds a change; returns the length of its text. */
  add(change: PresenceChange): number {
    for (const name of namesOf(change)) this.#named.add(name);
    const entry = entryText(change.entry);
    this.#changes.push({ change, entry });
    return entry.length;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }
}

/** The presence list of a room, as its members have it: without the changes that are pending. */
export class PresenceList {
  /** Texts of the entries, by connection. */
  readonly #entries: Map<string, string>;
  #text: string | undefined;

  /** Takes the entries that are present at the start. */
  constructor(entries: Iterable<PresenceEntry>) {
    this.#entries = new Map(Array.from(entries, (entry) => [entry.connection, entryText(entry)]));
  }

  /** The `presence` frame with everybody. One text serves all who join between two changes. */
  get text(): string {
    return this.#text ??= presenceListText(this.#entries.values());
  }

  /** Applies the changes of a frame that goes out now, and makes its text. */
  apply(frame: PresenceFrame): void {
    this.#text = undefined;
    const lists: Record<PresenceChange["type"], string[]> = { joined: [], updated: [], left: [] };
    for (const { change, entry } of frame.changes) {
      lists[change.type].push(changeText(change, entry));
      applyChange(this.#entries, change, entry);
    }
    frame.text = presenceChangesText(lists);
  }
}

function namesOf(change: PresenceChange): string[] {
  const { connection } = change.entry;
  const previous = change.type === "updated" ? change.previous : undefined;
  return previous === undefined ? [connection] : [connection, previous];
}
