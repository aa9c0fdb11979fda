/** Stored form of a message that waits for its ack. */
export interface StoredMessage {
  /** Id of every publish of this message, retries included. */
  readonly id: string;
  readonly event: string;
  /** Data as JSON text. */
  readonly data: string;
  /** As in the options of `publish`. */
  readonly exclude?: "self" | undefined;
  /** Time of the first send, in milliseconds since 1970; null before it. */
  readonly sentAt: number | null;
}

/**
 * Retains messages over a reload: `indexed_db.ts` in browsers, your own elsewhere. The client makes
 * one call per room at a time. After a failure the room's `error` listeners receive
 * `storage_failed`, and the message stays in memory.
 */
export interface OutboxStorage {
  /** Owner of the messages. The client never sends them in another user's name. */
  readonly owner: string;
  /** Returns the messages of a room (its address), in the order of their first `put`. */
  load(room: string): Promise<readonly StoredMessage[]>;
  /**
   * Stores messages, all or none of them. One with a known id replaces the old one in its place.
   */
  put(room: string, messages: readonly StoredMessage[]): Promise<void>;
  /** Removes a message. Does nothing if there is none. */
  remove(room: string, id: string): Promise<void>;
}
