import type { RoomRecord } from "./postgres_records.ts";
import type { Snapshot } from "./statements.ts";

/** Input of a room's stream. */
export type InputItem =
  | { readonly type: "record"; readonly epoch: string; readonly record: RoomRecord }
  | { readonly type: "snapshot"; readonly snapshot: Snapshot; readonly isFirst: boolean };

/** Handlers of `OrderedInput`. */
export interface InputHandlers {
  /** Processes an item. Returns a promise if the item needs a read. */
  readonly process: (item: InputItem) => Promise<unknown> | undefined;
  /** Called after each item. */
  readonly onProcessed: () => void;
  /** Called if an item cannot be processed. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Processes the input of a room's stream in order. A read delays the input behind it, and input
 * that precedes a connection's first snapshot waits for that snapshot.
 */
export class OrderedInput {
  readonly #handlers: InputHandlers;
  readonly #queue: InputItem[] = [];
  /**
   * Input that arrived on this connection before its first snapshot, to be processed after it.
   * Absent once the snapshot has arrived.
   */
  #buffered: InputItem[] | undefined = [];
  #isProcessing = false;

  constructor(handlers: InputHandlers) {
    this.#handlers = handlers;
  }

  /** True once the connection's first snapshot has arrived. */
  get isSynced(): boolean {
    return this.#buffered === undefined;
  }

  /** Adds records. `epoch` is empty for records that belong to no epoch. */
  addRecords(epoch: string, records: readonly RoomRecord[]): void {
    const queue = this.#buffered ?? this.#queue;
    for (const record of records) queue.push({ type: "record", epoch, record });
    this.#processQueue();
  }

  /** Adds a snapshot. Input buffered on this connection follows it. */
  addSnapshot(snapshot: Snapshot): void {
    const buffered = this.#buffered;
    this.#queue.push({ type: "snapshot", snapshot, isFirst: buffered !== undefined });
    if (buffered) {
      this.#buffered = undefined;
      for (const item of buffered) this.#queue.push(item);
    }
    this.#processQueue();
  }

  /** Reports a lost connection: input is buffered until the next connection's snapshot. */
  suspend(): void {
    this.clear();
    this.#buffered = [];
  }

  /** Drops the input that is not processed yet, except what is buffered. */
  clear(): void {
    this.#queue.length = 0;
  }

  #processQueue(): void {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    try {
      for (let item = this.#queue.shift(); item; item = this.#queue.shift()) {
        const reading = this.#handlers.process(item);
        if (reading) {
          void this.#finish(reading);
          return;
        }
        this.#handlers.onProcessed();
      }
    } catch (error) {
      this.#handlers.onFailure(error);
    }
    this.#isProcessing = false;
  }

  /** Never rejects. */
  async #finish(reading: Promise<unknown>): Promise<void> {
    try {
      await reading;
      this.#handlers.onProcessed();
    } catch (error) {
      this.#handlers.onFailure(error);
    }
    this.#isProcessing = false;
    this.#processQueue();
  }
}
