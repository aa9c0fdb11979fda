import type { PresenceChange, PresenceEntry } from "../../backplane/contract.ts";
import { changeText, entryText, presenceChangesText, presenceListText } from "./frame_text.ts";

/** A change that is not told yet, and the text of its entry. */
interface Untold {
  readonly change: PresenceChange;
  readonly entry: string;
}

/**
 * Who is present in a room by what its members have been told, and what they are still to be told. Who joins is given the list that the
 * others have, and with them what comes after it: so one text serves all who join between two tellings.
 */
export class PresenceBroadcast {
  /** Texts of the entries that were told, by connection. */
  readonly #entries: Map<string, string>;
  #listText: string | undefined;
  #untold: Untold[] = [];
  #length = 0;

  /** Those who are there in the beginning. */
  constructor(entries: Iterable<PresenceEntry>) {
    this.#entries = new Map(Array.from(entries, (entry) => [entry.connection, entryText(entry)]));
  }

  /** The length of what is to be told, about; 0 where there is nothing. */
  get length(): number {
    return this.#length;
  }

  /** The `presence` frame of everybody who is here, as it was told. */
  get listText(): string {
    return this.#listText ??= presenceListText(this.#entries.values());
  }

  /** Takes in a change that is to be told. */
  add(change: PresenceChange): void {
    const entry = entryText(change.entry);
    this.#untold.push({ change, entry });
    this.#length += entry.length;
  }

  /**
   * All that was to be told, as `presence` frames; from now on the list says it too. A frame names a connection once at most: then it does
   * not matter in which order its lists are taken in, and who enters and leaves is told to have done both.
   */
  tell(): string[] {
    const untold = this.#untold;
    this.#untold = [];
    this.#length = 0;
    if (untold.length > 0) this.#listText = undefined;
    const frames = [];
    let frame = emptyFrame();
    let named = new Set<string>();
    for (const { change, entry } of untold) {
      const names = namesOf(change);
      if (names.some((name) => named.has(name))) {
        frames.push(frame);
        frame = emptyFrame();
        named = new Set();
      }
      for (const name of names) named.add(name);
      frame[change.type].push(changeText(change, entry));
      this.#follow(change, entry);
    }
    if (named.size > 0) frames.push(frame);
    return frames.map(presenceChangesText);
  }

  #follow(change: PresenceChange, entry: string): void {
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
