const MAX_MESSAGES = 128;
/** One message stays, however long it is. */
const MAX_LENGTH = 65_536;

/** What a room keeps. */
export interface Kept {
  readonly messages: number;
  readonly ageMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

interface Recent {
  readonly text: string;
  readonly at: number;
}

/**
 * The last messages of a room as text, without holes up to its head. Who joins is brought up to here by reading history, and from
 * here without waiting: so nothing can come between its replay and what is live.
 */
export class RecentMessages {
  readonly #kept: Kept;
  #messages: Recent[] = [];
  #length = 0;
  #head: number;

  /** Nothing is known yet of messages up to `head`. */
  constructor(head: number, kept: Kept) {
    this.#head = head;
    this.#kept = kept;
  }

  /** Offset of the room's last message; 0 when there is none. */
  get head(): number {
    return this.#head;
  }

  /** Adds the message after the last one; `at` is when it was stored. */
  add(text: string, at: number): void {
    this.#head += 1;
    this.#messages.push({ text, at });
    this.#length += text.length;
    // Several go at once: to take them off one by one would move the array at each message.
    if (this.#messages.length > MAX_MESSAGES) this.#forget(MAX_MESSAGES >> 1);
    while (this.#length > MAX_LENGTH && this.#messages.length > 1) {
      this.#forget((this.#messages.length + 1) >> 1);
    }
  }

  /** The messages up to `offset` will not come. */
  skipTo(offset: number): void {
    this.#messages = [];
    this.#length = 0;
    this.#head = offset;
  }

  /** Whether every message after `offset` is here. */
  reaches(offset: number): boolean {
    return offset >= this.#head - this.#messages.length;
  }

  /** Whether every message after `offset` is here, and the room still keeps it: what a resume may be given. */
  keeps(offset: number): boolean {
    const count = this.#head - offset;
    if (count <= 0) return true;
    const { messages, ageMs, now } = this.#kept;
    const oldest = this.#messages.at(-count);
    return count <= messages && this.reaches(offset) && oldest !== undefined && oldest.at + ageMs > now();
  }

  /** The messages after `offset`, which must be reached. */
  after(offset: number): readonly string[] {
    const count = this.#head - offset;
    return count > 0 ? this.#messages.slice(-count).map(({ text }) => text) : [];
  }

  #forget(count: number): void {
    for (const { text } of this.#messages.splice(0, count)) this.#length -= text.length;
  }
}
