import type { MonotonicClock } from "../../clocks.ts";

const MAX_MESSAGES = 128;
/** One message stays, however long it is. */
const MAX_LENGTH = 65_536;

/** Retention of a room. */
export interface Retained {
  readonly messages: number;
  readonly ageMs: number;
  readonly now: MonotonicClock;
}

interface Recent {
  readonly text: string;
  readonly receivedAt: number;
}

/**
 * The last messages of a room as text, without gaps up to its head. A joining member reads history
 * up to here, and gets the rest from here without waiting. So nothing can come between its replay
 * and live messages.
 */
export class RecentMessages {
  readonly #retained: Retained;
  #messages: Recent[] = [];
  #length = 0;
  #head: number;

  /** Starts empty: messages up to `head` are in history only. */
  constructor(head: number, retained: Retained) {
    this.#head = head;
    this.#retained = retained;
  }

  /** Offset of the room's last message; 0 when there is none. */
  get head(): number {
    return this.#head;
  }

  /** Adds the message after the last one, received at `receivedAt` of the retention's clock. */
  add(text: string, receivedAt: number): void {
    this.#head += 1;
    this.#messages.push({ text, receivedAt });
    this.#length += text.length;
    // Several go at once: removing them one by one would move the array at each message.
    if (this.#messages.length > MAX_MESSAGES) this.#forget(MAX_MESSAGES >> 1);
    while (this.#length > MAX_LENGTH && this.#messages.length > 1) {
      this.#forget((this.#messages.length + 1) >> 1);
    }
  }

  /** Drops everything: the messages up to `offset` will not come. */
  skipTo(offset: number): void {
    this.#messages = [];
    this.#length = 0;
    this.#head = offset;
  }

  /** True if every message after `offset` is here. */
  reaches(offset: number): boolean {
    return offset >= this.#head - this.#messages.length;
  }

  /**
   * True if every message after `offset` is here and within retention, so that a resume may get it.
   */
  retains(offset: number): boolean {
    const count = this.#head - offset;
    if (count <= 0) return true;
    const { messages, ageMs, now } = this.#retained;
    const oldest = this.#messages.at(-count);
    return count <= messages && this.reaches(offset) && oldest !== undefined &&
      oldest.receivedAt + ageMs > now();
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
