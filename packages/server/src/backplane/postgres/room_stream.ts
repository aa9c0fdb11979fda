import type { PresenceChange, PresenceEntry, RoomEvent } from "../contract.ts";
import { applyChange } from "../apply_change.ts";
import { differences } from "../presence_diff.ts";
import { type Notification, parseNotification, type RoomRecord } from "./postgres_records.ts";
import type { RoomReader, Snapshot } from "./statements.ts";

/** What a feed is given. */
export interface FeedOptions {
  readonly name: string;
  readonly reader: RoomReader;
  readonly onDeliverError: (error: unknown) => void;
  /** Told that it could not read what it has to: it needs a new connection, and with it a new snapshot. */
  readonly onTrouble: (error: unknown) => void;
  /** Told that the room's history is another one: the feed has ended. */
  readonly onReset: () => void;
}

/** Whoever is delivered to. */
export interface Subscriber {
  readonly deliver: (event: RoomEvent) => void;
}

/** What a feed works through, in order. */
type Item =
  | { readonly type: "record"; readonly epoch: string; readonly record: RoomRecord }
  | { readonly type: "snapshot"; readonly snapshot: Snapshot; readonly isFirst: boolean };

/** Somebody who waits until the feed is as far as a snapshot. */
interface Waiter {
  readonly snapshot: Snapshot;
  readonly reached: PromiseWithResolvers<void>;
}

/**
 * One room as the isolate follows it: the place up to which messages were delivered, who is present by what was delivered, and whoever is
 * delivered to. What comes is worked through in its order; what has to be read holds up what came after it.
 */
export class RoomStream {
  readonly name: string;
  epoch = "";
  /** Offset of the last message that was delivered. */
  position = 0;
  /** The database's time at the first snapshot since the connection was made. */
  since = 0;
  readonly #options: FeedOptions;
  readonly #subscribers = new Set<Subscriber>();
  #present = new Map<string, PresenceEntry>();
  #version = 0;
  readonly #queue: Item[] = [];
  /** What came since the connection was made, until the snapshot that it builds on; absent once that is there. */
  #held: Item[] | undefined = [];
  readonly #waiters = new Set<Waiter>();
  #isWorking = false;
  #hasEnded = false;

  constructor(options: FeedOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Whether nobody is delivered to. */
  get isIdle(): boolean {
    return this.#subscribers.size === 0;
  }

  /** Whether it has been told how the room is since the connection was made. */
  get isInStep(): boolean {
    return this.#held === undefined;
  }

  /** Whether the room's history has become another one. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Who is present by what was delivered. */
  get present(): PresenceEntry[] {
    return [...this.#present.values()];
  }

  /** What is known, for a snapshot that tells the rest. */
  get known(): { position: number | undefined; version: number | undefined } {
    if (this.epoch === "") return { position: undefined, version: undefined };
    return { position: this.position, version: this.isInStep ? this.#version : undefined };
  }

  /** Delivers from the next event on. */
  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  /** Delivers nothing more from now on. */
  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** A notification came. */
  notify(payload: string): void {
    const { epoch, records }: Notification = parseNotification(payload);
    this.take(epoch, records);
  }

  /** Records came. */
  take(epoch: string, records: readonly RoomRecord[]): void {
    const queue = this.#held ?? this.#queue;
    for (const record of records) queue.push({ type: "record", epoch, record });
    this.#work();
  }

  /** The connection is lost: what comes builds on a snapshot that is still to come. */
  hold(): void {
    this.#queue.length = 0;
    this.#held = [];
  }

  /** How the room is. What was held since it was connected comes after it. */
  takeSnapshot(snapshot: Snapshot): void {
    const held = this.#held;
    this.#queue.push({ type: "snapshot", snapshot, isFirst: held !== undefined });
    if (held) {
      this.#held = undefined;
      this.since = snapshot.now;
      for (const item of held) this.#queue.push(item);
    }
    this.#work();
  }

  /** Resolves when it is as far as the snapshot; rejects when it ends before. */
  async reach(snapshot: Snapshot): Promise<void> {
    if (this.#hasReached(snapshot)) return;
    const waiter = { snapshot, reached: Promise.withResolvers<void>() };
    this.#waiters.add(waiter);
    if (this.#hasEnded) this.end(new Error("The room's history has become another one."));
    await waiter.reached.promise;
  }

  /** Ends it, whoever waits being told why. */
  end(error: unknown): void {
    this.#hasEnded = true;
    this.#queue.length = 0;
    for (const { reached } of this.#waiters) reached.reject(error);
    this.#waiters.clear();
  }

  #hasReached({ epoch, head, version }: Snapshot): boolean {
    return !this.#hasEnded && this.epoch === epoch && this.position >= head && this.#version >= version;
  }

  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      for (let item = this.#queue.shift(); item; item = this.#queue.shift()) {
        const reading = this.#do(item);
        if (reading) {
          void this.#waitFor(reading);
          return;
        }
        this.#tellWaiters();
      }
    } catch (error) {
      this.#giveUp(error);
    }
    this.#isWorking = false;
  }

  async #waitFor(reading: Promise<void>): Promise<void> {
    try {
      await reading;
      this.#tellWaiters();
    } catch (error) {
      this.#giveUp(error);
    }
    this.#isWorking = false;
    this.#work();
  }

  #giveUp(error: unknown): void {
    if (this.#hasEnded) return;
    this.hold();
    this.#options.onTrouble(error);
  }

  #tellWaiters(): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (!this.#hasReached(waiter.snapshot)) continue;
      this.#waiters.delete(waiter);
      waiter.reached.resolve();
    }
  }

  /** Does what can be done at once, and returns the rest. */
  #do(item: Item): Promise<void> | undefined {
    if (this.#hasEnded) return undefined;
    if (item.type === "snapshot") return this.#followSnapshot(item.snapshot, item.isFirst);
    return this.#follow(item.epoch, item.record);
  }

  #follow(epoch: string, record: RoomRecord): Promise<void> | undefined {
    if (record.type === "ephemeral") {
      this.#deliver({ type: "ephemeral", message: record.message });
      return undefined;
    }
    if (record.type === "elsewhere") return this.#readElsewhere(epoch, record.id);
    if (epoch !== this.epoch) return this.#checkEpoch();
    switch (record.type) {
      case "messages":
        return this.#followMessages(record.messages);
      case "stored":
        return record.offset > this.position ? this.#catchUp(record.offset) : undefined;
      case "presence":
        return this.#followPresence(record.version, record.change);
      default:
        record satisfies never;
        return undefined;
    }
  }

  #followMessages(
    messages: Extract<RoomRecord, { type: "messages" }>["messages"],
  ): Promise<void> | undefined {
    const next = messages.filter(({ offset }) => offset > this.position);
    const [first] = next;
    if (!first) return undefined;
    if (first.offset > this.position + 1) {
      return this.#catchUp(first.offset - 1).then(() => this.#followMessages(next));
    }
    this.position = next.at(-1)?.offset ?? this.position;
    this.#deliver({ type: "messages", messages: next });
    return undefined;
  }

  #followPresence(version: number, change: PresenceChange): Promise<void> | undefined {
    if (version <= this.#version) return undefined;
    if (version > this.#version + 1) return this.#readSnapshot();
    this.#version = version;
    applyChange(this.#present, change);
    this.#deliver({ type: "presence", change });
    return undefined;
  }

  async #readElsewhere(epoch: string, id: string): Promise<void> {
    const records = await this.#options.reader.elsewhere(id);
    // It may have been about presence: then something would be missing until the next change.
    if (records.length === 0) await this.#readSnapshot();
    for (const record of records) await this.#follow(epoch, record);
  }

  /** A notification of another epoch is an old one, or the first of a new history. */
  async #checkEpoch(): Promise<void> {
    const missed = await this.#options.reader.missed(this.name, this.position, this.position);
    if (missed?.epoch !== this.epoch) this.#reset();
  }

  async #loseTail(): Promise<void> {
    await this.#options.reader.loseTail(this.name, this.epoch);
    this.#reset();
  }

  async #readSnapshot(): Promise<void> {
    const [snapshot] = await this.#options.reader.snapshots([{
      name: this.name,
      position: this.position,
      version: undefined,
    }]);
    if (snapshot) await this.#followSnapshot(snapshot, false);
  }

  #followSnapshot(snapshot: Snapshot, isFirst: boolean): Promise<void> | undefined {
    const { epoch, head, version, present, missed } = snapshot;
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
    // What was delivered is there no more: after a failover, or from a backup.
    if (isFirst && head < this.position) return this.#loseTail();
    if (missed.length > 0) this.#deliverFrom(missed);
    if (this.position < head) {
      return this.#catchUp(head).then(() => this.#followPresent(version, present, isFirst));
    }
    this.#followPresent(version, present, isFirst);
    return undefined;
  }

  /** A crash of the database loses presence, and versions with it: so the first of a connection counts whatever it is. */
  #followPresent(version: number, present: readonly PresenceEntry[] | undefined, isFirst: boolean): void {
    if (!present || (version <= this.#version && !isFirst)) return;
    this.#version = version;
    for (const change of differences(this.#present, present)) {
      applyChange(this.#present, change);
      this.#deliver({ type: "presence", change });
    }
  }

  /** Reads messages and delivers them, up to the offset: what comes after it has its place among other events. */
  async #catchUp(to: number): Promise<void> {
    while (this.position < to && !this.#hasEnded) {
      const missed = await this.#options.reader.missed(this.name, this.position, to);
      if (missed?.epoch !== this.epoch) return this.#reset();
      if (missed.messages.length === 0) return this.#skipTo(to);
      this.#deliverFrom(missed.messages);
    }
  }

  #deliverFrom(messages: Snapshot["missed"]): void {
    const next = messages.filter(({ offset }) => offset > this.position);
    const [first] = next;
    if (!first) return;
    this.#skipTo(first.offset - 1);
    this.position = next.at(-1)?.offset ?? this.position;
    this.#deliver({ type: "messages", messages: next });
  }

  /** Says that messages up to the offset are not there any more. */
  #skipTo(to: number): void {
    if (to <= this.position) return;
    const from = this.position + 1;
    this.position = to;
    this.#deliver({ type: "gap", from, to });
  }

  #reset(): void {
    if (this.#hasEnded) return;
    this.#deliver({ type: "reset" });
    this.#subscribers.clear();
    this.end(new Error("The room's history has become another one."));
    this.#options.onReset();
  }

  #deliver(event: RoomEvent): void {
    for (const { deliver } of this.#subscribers) {
      try {
        deliver(event);
      } catch (error) {
        this.#options.onDeliverError(error);
      }
    }
  }
}
