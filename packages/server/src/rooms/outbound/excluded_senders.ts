import type { MonotonicClock } from "../../clocks.ts";

/** Most notes of one room. Beyond it, the oldest sender gets its message after all. */
const MAX_NOTES = 4_096;
/**
 * Time after which a note is void, in milliseconds: longer than any publish takes, and shorter than
 * the usual dedupe window.
 */
const NOTE_MS = 60_000;

/** Note that a member does not get its own message. */
export interface ExcludedSender<R> {
  readonly sender: R;
  readonly key: string;
  readonly expiresAt: number;
  /** True once the sender got the ack, which stands for the message. */
  isAcked: boolean;
}

/** Senders that do not get a message of their own, until it is delivered. */
export class ExcludedSenders<R> {
  readonly #now: MonotonicClock;
  /** Notes by user and id, oldest first. */
  readonly #notes = new Map<string, ExcludedSender<R>>();

  constructor(now: MonotonicClock) {
    this.#now = now;
  }

  /** Number of notes. */
  get size(): number {
    return this.#notes.size;
  }

  /** Excludes a member from the delivery of its user's message. */
  add(user: string, id: string, sender: R): ExcludedSender<R> {
    const now = this.#now();
    const key = keyOf(user, id);
    const note = { sender, key, expiresAt: now + NOTE_MS, isAcked: false };
    this.#notes.delete(key);
    this.#notes.set(key, note);
    for (const oldest of this.#notes.values()) {
      if (oldest.expiresAt > now && this.#notes.size <= MAX_NOTES) break;
      this.#notes.delete(oldest.key);
    }
    return note;
  }

  /** Removes and returns the note about a message that is being delivered. */
  take(user: string, id: string): ExcludedSender<R> | undefined {
    const note = this.#notes.get(keyOf(user, id));
    if (!note) return undefined;
    this.#notes.delete(note.key);
    return note.expiresAt > this.#now() ? note : undefined;
  }

  /** Removes a note: its message will not be delivered any more. */
  delete(note: ExcludedSender<R>): void {
    if (this.#notes.get(note.key) === note) this.#notes.delete(note.key);
  }

  /** Removes all notes of a member that leaves. */
  deleteAllOf(sender: R): void {
    for (const note of this.#notes.values()) if (note.sender === sender) this.#notes.delete(note.key);
  }
}

function keyOf(user: string, id: string): string {
  return `${user.length}:${user}${id}`;
}
