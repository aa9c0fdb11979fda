import type { PresenceChange, PresenceEntry, Resumption } from "../contract.ts";
import type { ScheduledTask, ScheduledTasks } from "./scheduled_tasks.ts";

/** An entry with its owner and its state. */
interface EntryRecord {
  entry: PresenceEntry;
  /** Backplane of the isolate that the connection belongs to. */
  owner: object;
  /**
   * Removes the entry at the end of its disconnect grace period; present during that period only.
   */
  removal: ScheduledTask | undefined;
  /**
   * Connection that a resume named to take over this entry. A client that missed its `welcome`
   * names the same connection again.
   */
  readonly resumedFrom: string | undefined;
}

/** Presence entries of one room. Each method returns its change, for the room to deliver. */
export class RoomPresence {
  readonly #tasks: ScheduledTasks;
  readonly #onExpired: (change: PresenceChange) => void;
  readonly #records = new Map<string, EntryRecord>();
  /** Entries in their grace period, in the order in which they were disconnected. */
  readonly #lingering = new Set<EntryRecord>();

  /** Calls `onExpired` for each entry whose grace period ends without a takeover. */
  constructor(tasks: ScheduledTasks, onExpired: (change: PresenceChange) => void) {
    this.#tasks = tasks;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Lists the entries, those in their grace period included. */
  list(): PresenceEntry[] {
    return Array.from(this.#records.values(), ({ entry }) => entry);
  }

  /** See `Backplane.enter`. */
  enter({ user, connection, state }: PresenceEntry, owner: object): PresenceChange | undefined {
    const entry = { user, connection, state };
    const own = this.#records.get(connection);
    if (own) {
      this.#endGrace(own);
      own.owner = owner;
      if (own.entry.state === state) return undefined;
      own.entry = entry;
      return { type: "updated", entry };
    }
    const lingering = this.#oldestLingering(user);
    if (lingering) return this.#takeOver(lingering, entry, owner, undefined);
    this.#records.set(connection, { entry, owner, removal: undefined, resumedFrom: undefined });
    return { type: "joined", entry };
  }

  /** See `Backplane.resume`. */
  resume({ user, connection, previous }: Resumption, owner: object): PresenceChange | undefined {
    if (this.#records.has(connection)) return undefined;
    const record = previous === undefined ? this.#oldestLingering(user) : this.#recordOf(previous);
    if (record?.entry.user !== user) return undefined;
    return this.#takeOver(record, { user, connection, state: record.entry.state }, owner, previous);
  }

  /** See `Backplane.leave`. */
  leave(connection: string): PresenceChange | undefined {
    const record = this.#records.get(connection);
    return record && this.#remove(record);
  }

  /**
   * See `Backplane.linger`; `until` is a time of the tasks' clock. A grace period that has begun
   * keeps its end.
   */
  linger(connection: string, until: number): void {
    const record = this.#records.get(connection);
    if (record) this.#startGrace(record, until);
  }

  /** Starts the grace period of all entries of an owner. */
  lingerAllOf(owner: object, until: number): void {
    for (const record of this.#records.values()) {
      if (record.owner === owner) this.#startGrace(record, until);
    }
  }

  #startGrace(record: EntryRecord, until: number): void {
    if (record.removal) return;
    record.removal = this.#tasks.add(until, () => this.#onExpired(this.#remove(record)));
    this.#lingering.add(record);
  }

  #endGrace(record: EntryRecord): void {
    if (!record.removal) return;
    this.#tasks.cancel(record.removal);
    record.removal = undefined;
    this.#lingering.delete(record);
  }

  #takeOver(
    record: EntryRecord,
    entry: PresenceEntry,
    owner: object,
    resumedFrom: string | undefined,
  ): PresenceChange {
    const previous = record.entry.connection;
    this.#endGrace(record);
    this.#records.delete(previous);
    this.#records.set(entry.connection, { entry, owner, removal: undefined, resumedFrom });
    return { type: "updated", entry, previous };
  }

  #remove(record: EntryRecord): PresenceChange {
    this.#endGrace(record);
    this.#records.delete(record.entry.connection);
    return { type: "left", entry: record.entry };
  }

  /** Finds the connection's entry, or the entry that was resumed from it. */
  #recordOf(connection: string): EntryRecord | undefined {
    const own = this.#records.get(connection);
    if (own) return own;
    for (const record of this.#records.values()) {
      if (record.resumedFrom === connection) return record;
    }
    return undefined;
  }

  #oldestLingering(user: string): EntryRecord | undefined {
    for (const record of this.#lingering) {
      if (record.entry.user === user) return record;
    }
    return undefined;
  }
}
