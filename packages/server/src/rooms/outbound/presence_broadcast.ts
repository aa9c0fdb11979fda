import type { PresenceChange, PresenceEntry } from "../../backplane/contract.ts";
import { changeText, entryText, presenceChangesText, presenceListText } from "./frame_text.ts";

/** A change that has not been broadcast, and the text of its entry. */
interface PendingChange {
  readonly change: PresenceChange;
  readonly entry: string;
}

/**
 * The last broadcast presence list of a room, and the changes that are pending. A joining member
 * gets the list that the others have, and the pending changes with them. So one text serves all who
 * join between two broadcasts.
 */
export class PresenceBroadcast {
  /** Texts of the broadcast entries, by connection. */
  readonly #entries: Map<string, string>;
  #listText: string | undefined;
  #pending: PendingChange[] = [];
  #length = 0;

  /** Takes the entries that are present at the start. */
  constructor(entries: Iterable<PresenceEntry>) {
    this.#entries = new Map(Array.from(entries, (entry) => [entry.connection, entryText(entry)]));
  }

  /** Approximate length of the pending changes, in characters; 0 without any. */
  get length(): number {
    return this.#length;
  }

  /** The `presence` frame with everybody, as broadcast. */
  get listText(): string {
    return this.#listText ??= presenceListText(this.#entries.values());
  }

  /** Adds a change to the pending ones. */
  add(change: PresenceChange): void {
    const entry = entryText(change.entry);
    this.#pending.push({ change, entry });
    this.#length += entry.length;
  }

  /**
   * Returns the pending changes as `presence` frames and applies them to the list. A frame names a
   * connection at most once, so that the order of its lists does not matter. A member that enters
   * and leaves is reported to have done both.
   */
  flush(): string[] {
    const pending = this.#pending;
    this.#pending = [];
    this.#length = 0;
    if (pending.length > 0) this.#listText = undefined;
    const frames = [];
    let frame = emptyFrame();
    let named = new Set<string>();
    for (const { change, entry } of pending) {
      const names = namesOf(change);
      if (names.some((name) => named.has(name))) {
        frames.push(frame);
        frame = emptyFrame();
        named = new Set();
      }
      for (const name of names) named.add(name);
      frame[change.type].push(changeText(change, entry));
      this.#apply(change, entry);
    }
    if (named.size > 0) frames.push(frame);
    return frames.map(presenceChangesText);
  }

  #apply(change: PresenceChange, entry: string): void {
    if (change.type === "updated" && change.previous !== undefined) this.#entries.delete(change.previous);
    if (change.type === "left") this.#entries.delete(change.entry.connection);
    else this.#entries.set(change.entry.connection, entry);
  }
}

function emptyFrame(): Record<PresenceChange["type"], string[]> {
  return { joined: [], updated: [], left: [] };
}

function namesOf(change: PresenceChange): string[] {
  const { connection } = change.entry;
  const previous = change.type === "updated" ? change.previous : undefined;
  return previous === undefined ? [connection] : [connection, previous];
}
