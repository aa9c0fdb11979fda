import type { PresenceChange, PresenceEntry } from "../contract.ts";
import { applyChange } from "../apply_change.ts";
import { diffPresence } from "../presence_diff.ts";
import { type Subscriber, Subscribers } from "../subscribers.ts";
import type { IgnoredReason } from "./ignored_records.ts";
import { type InputItem, OrderedInput } from "./ordered_input.ts";
import { type Notification, parseNotification, type RoomRecord } from "./postgres_records.ts";
import { SnapshotWaiters } from "./snapshot_waiters.ts";
import type { KnownState, RoomReader, Snapshot } from "./statements.ts";

/** Options of `RoomStream`. */
export interface RoomStreamOptions {
  readonly name: string;
  readonly reader: RoomReader;
  readonly onDeliverError: (error: unknown) => void;
  /** Called if a read fails: the stream needs a new connection, and with it a new snapshot. */
  readonly onReadFailure: (error: unknown) => void;
  /** Called if the room's history was replaced; the stream has ended then. */
  readonly onReset: () => void;
  /** Called for each record of a notification that the database does not confirm. */
  readonly onIgnored: (reason: IgnoredReason) => void;
}

/**
 * One room as this isolate follows it: the delivered position, the delivered presence list, and the
 * subscribers.
 */
export class RoomStream {
  readonly name: string;
  epoch = "";
  /** Offset of the last delivered message. */
  position = 0;
  /** Database time of the connection's first snapshot, in milliseconds since 1970. */
  since = 0;
  readonly #options: RoomStreamOptions;
  readonly #subscribers: Subscribers;
  #present = new Map<string, PresenceEntry>();
  #version = 0;
  /** Head and presence version that a read brought: their notifications may still arrive. */
  #read = { head: 0, version: 0 };
  /** Epoch of notifications that is not the room's. */
  #foreignEpoch: string | undefined;
  readonly #input: OrderedInput;
  readonly #waiters = new SnapshotWaiters((snapshot) => this.#hasReached(snapshot));
  #hasEnded = false;

  constructor(options: RoomStreamOptions) {
    this.name = options.name;
    this.#options = options;
    this.#subscribers = new Subscribers(options.onDeliverError);
    this.#input = new OrderedInput({
      process: (item) => this.#process(item),
      onProcessed: () => this.#waiters.resolveReached(),
      onFailure: (error) => this.#fail(error),
    });
  }

  /** True if there are no subscribers. */
  get isIdle(): boolean {
    return this.#subscribers.size === 0;
  }

  /** True once the connection's first snapshot has arrived. */
  get isSynced(): boolean {
    return this.#input.isSynced;
  }

  /** True if the stream has ended, for example because the room's history was replaced. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Presence list according to the delivered events. */
  get present(): PresenceEntry[] {
    return [...this.#present.values()];
  }

  /** State that the next snapshot may leave out. */
  get knownState(): Omit<KnownState, "name"> {
    if (this.epoch === "") return { position: undefined, version: undefined, epoch: undefined };
    // Nothing was delivered yet, so a room that is made again can have the same epoch.
    const epoch = this.position === 0 ? this.epoch : undefined;
    return { position: this.position, version: this.isSynced ? this.#version : undefined, epoch };
  }

  /** Adds a subscriber, starting with the next event. */
  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  /** Removes a subscriber. No event is delivered to it after the call. */
  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** Processes a notification. */
  notify(payload: string): void {
    const { epoch, records }: Notification = parseNotification(payload);
    this.receive(epoch, records);
  }

  /** Processes records. `epoch` is empty for records that belong to no epoch. */
  receive(epoch: string, records: readonly RoomRecord[]): void {
    this.#input.addRecords(epoch, records);
  }

  /** Reports a lost connection: input is buffered until the next connection's snapshot. */
  suspend(): void {
    this.#input.suspend();
  }

  /** Processes a snapshot. Input buffered on this connection follows it. */
  receiveSnapshot(snapshot: Snapshot): void {
    if (!this.isSynced) this.since = snapshot.now;
    this.#input.addSnapshot(snapshot);
  }

  /** Resolves once the stream has reached the snapshot; rejects if the stream ends first. */
  async reach(snapshot: Snapshot): Promise<void> {
    if (this.#hasEnded) throw new Error("The room's history was replaced. Subscribe again.");
    await this.#waiters.add(snapshot);
  }

  /** Ends the stream and rejects all waiting calls with the error. */
  end(error: unknown): void {
    this.#hasEnded = true;
    this.#input.clear();
    this.#waiters.rejectAll(error);
  }

  #hasReached({ epoch, head, version }: Snapshot): boolean {
    return this.epoch === epoch && this.position >= head && this.#version >= version;
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.suspend();
    this.#options.onReadFailure(error);
  }

  /** Processes an item synchronously; returns a promise if the item needs a read. */
  #process(item: InputItem): Promise<unknown> | undefined {
    if (this.#hasEnded) return undefined;
    if (item.type === "snapshot") return this.#applySnapshot(item.snapshot, item.isFirst);
    return this.#applyRecord(item.epoch, item.record);
  }

  #applyRecord(epoch: string, record: RoomRecord): Promise<unknown> | undefined {
    if (record.type === "ephemeral") {
      this.#subscribers.deliver({ type: "ephemeral", message: record.message });
      return undefined;
    }
    if (record.type === "overflow") return this.#readOverflow(epoch, record.id);
    if (record.type === "malformed") return this.#ignore("malformed");
    if (epoch !== this.epoch) return this.#checkEpoch(epoch);
    switch (record.type) {
      case "messages":
        return this.#applyMessages(record.messages);
      case "stored":
        if (record.offset <= this.position) return this.#ignoreRepeated(record.offset);
        return this.#catchUp(record.offset);
      case "presence":
        return this.#applyPresence(record.version, record.change);
      default:
        record satisfies never;
        return undefined;
    }
  }

  #applyMessages(
    messages: Extract<RoomRecord, { type: "messages" }>["messages"],
  ): Promise<unknown> | undefined {
    const next = messages.filter(({ offset }) => offset > this.position);
    const [first] = next;
    if (!first) return this.#ignoreRepeated(messages.at(-1)?.offset ?? 0);
    if (first.offset > this.position + 1) {
      return this.#catchUp(first.offset - 1).then((isThere) =>
        isThere ? this.#applyMessages(next) : undefined
      );
    }
    this.position = next.at(-1)?.offset ?? this.position;
    this.#subscribers.deliver({ type: "messages", messages: next });
    return undefined;
  }

  #applyPresence(version: number, change: PresenceChange): Promise<void> | undefined {
    if (version <= this.#version) {
      return version > this.#read.version ? this.#ignore("repeated") : undefined;
    }
    if (version > this.#version + 1) {
      return this.#readSnapshot().then(() => {
        if (!this.#hasEnded && version > this.#version) this.#ignore("ahead of the database");
      });
    }
    this.#version = version;
    applyChange(this.#present, change, change.entry);
    this.#subscribers.deliver({ type: "presence", change });
    return undefined;
  }

  async #readOverflow(epoch: string, id: string): Promise<void> {
    const records = await this.#options.reader.overflow(this.name, id);
    // The record is gone. If it was a presence change, only a snapshot can replace it.
    if (records.length === 0) await this.#readSnapshot();
    for (const record of records) await this.#applyRecord(epoch, record);
  }

  /** Handles a notification of another epoch: either outdated, or the first of a new history. */
  #checkEpoch(epoch: string): Promise<void> | undefined {
    // An epoch is random. One that was not the room's cannot become it.
    if (epoch === this.#foreignEpoch) return this.#ignore("of another epoch");
    return this.#options.reader.missed(this.name, this.position, this.position).then((missed) => {
      if (missed?.epoch !== this.epoch) return this.#reset();
      this.#foreignEpoch = epoch;
      this.#ignore("of another epoch");
    });
  }

  #ignoreRepeated(offset: number): undefined {
    if (offset > this.#read.head) this.#ignore("repeated");
  }

  #ignore(reason: IgnoredReason): undefined {
    this.#options.onIgnored(reason);
  }

  async #loseTail(): Promise<void> {
    await this.#options.reader.loseTail(this.name, this.epoch);
    this.#reset();
  }

  async #readSnapshot(): Promise<void> {
    const [snapshot] = await this.#options.reader.snapshots([{
      name: this.name,
      ...this.knownState,
      position: this.position,
      version: undefined,
    }]);
    if (snapshot) await this.#applySnapshot(snapshot, false);
  }

  #applySnapshot(snapshot: Snapshot, isFirst: boolean): Promise<void> | undefined {
    const { epoch, head, version, present, missed } = snapshot;
    this.#read = { head, version };
    if (this.epoch === "") {
      this.epoch = epoch;
      this.position = head;
      this.#version = version;
      this.#present = new Map(present?.map((entry) => [entry.connection, entry]));
      return undefined;
    }
    if (this.epoch !== epoch) {
      this.#reset();
      return undefined;
    }
    // The database lost delivered messages, by a failover or a restore from a backup.
    if (isFirst && head < this.position) return this.#loseTail();
    if (missed.length > 0) this.#deliverFrom(missed);
    if (this.position < head) {
      return this.#catchUp(head).then(() => this.#applyPresent(version, present, isFirst));
    }
    this.#applyPresent(version, present, isFirst);
    return undefined;
  }

  /**
   * Applies the presence list of a snapshot. A crash of the database resets presence versions, so
   * the first list of a connection applies whatever its version is.
   */
  #applyPresent(version: number, present: readonly PresenceEntry[] | undefined, isFirst: boolean): void {
    if (!present || (version <= this.#version && !isFirst)) return;
    this.#version = version;
    for (const change of diffPresence(this.#present, present)) {
      applyChange(this.#present, change, change.entry);
      this.#subscribers.deliver({ type: "presence", change });
    }
  }

  /**
   * Reads and delivers messages up to the offset. Later messages keep their order among other
   * events. Resolves with false if the room does not have that many.
   */
  async #catchUp(to: number): Promise<boolean> {
    while (this.position < to && !this.#hasEnded) {
      const missed = await this.#options.reader.missed(this.name, this.position, to);
      if (missed?.epoch !== this.epoch) {
        this.#reset();
        return false;
      }
      if (missed.head < to) {
        this.#ignore("ahead of the database");
        return false;
      }
      if (missed.messages.length === 0) this.#skipTo(to);
      else this.#deliverFrom(missed.messages);
    }
    return !this.#hasEnded;
  }

  #deliverFrom(messages: Snapshot["missed"]): void {
    const next = messages.filter(({ offset }) => offset > this.position);
    const [first] = next;
    if (!first) return;
    this.#skipTo(first.offset - 1);
    this.position = next.at(-1)?.offset ?? this.position;
    this.#subscribers.deliver({ type: "messages", messages: next });
  }

  /** Delivers a gap: messages up to the offset are no longer retained. */
  #skipTo(to: number): void {
    if (to <= this.position) return;
    const from = this.position + 1;
    this.position = to;
    this.#subscribers.deliver({ type: "gap", from, to });
  }

  #reset(): void {
    if (this.#hasEnded) return;
    this.#subscribers.deliver({ type: "reset" });
    this.#subscribers.clear();
    this.end(new Error("The room's history was replaced. Subscribe again."));
    this.#options.onReset();
  }
}
