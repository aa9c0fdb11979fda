/** A message that waits for its ack, as it is kept over a reload. */
export interface StoredMessage {
  /** Under which it was published, and will be again. */
  readonly id: string;
  readonly event: string;
  /** The data, as JSON text. */
  readonly data: string;
  /** When it was first sent, in milliseconds since 1970; null: not yet. */
  readonly sentAt: number | null;
}

/**
 * Keeps messages over a reload: `indexed_db.ts` in browsers, your own elsewhere. Calls for one room are made one after the other.
 * What fails is told by the room's `error` listeners (`storage_failed`), and the message is kept in memory all the same.
 */
export interface OutboxStorage {
  /** The user whose messages these are: they are never sent in another's name. */
  readonly owner: string;
  /** The messages that are kept for a room (its address), in the order in which they were first put. */
  load(room: string): Promise<readonly StoredMessage[]>;
  /** Keeps a message, or replaces the one of the same id, which keeps its place. */
  put(room: string, message: StoredMessage): Promise<void>;
  /** Forgets a message; no fault when there is none. */
  remove(room: string, id: string): Promise<void>;
}
