import type { PresenceChange, PresenceEntry, Resumption } from "../contract.ts";
import type { Expiries, Expiry } from "./scheduled_tasks.ts";

/** An entry in its place. */
interface Placed {
  entry: PresenceEntry;
  /** The isolate that answers for it. */
  owner: object;
  /** Present while it lingers: its end. */
  expiry: Expiry | undefined;
  /** The connection that a resume named to take it over: a client that missed its welcome names it again. */
  readonly resumedFrom: string | undefined;
}

/** Who is present in one room. What changes is returned, for the room to deliver. */
export class RoomPresence {
  readonly #expiries: Expiries;
  readonly #onExpired: (change: PresenceChange) => void;
  readonly #placed = new Map<string, Placed>();
  /** Those that linger, in the order in which they were lost. */
  readonly #lingering = new Set<Placed>();

  /** `onExpired` is told who left since nobody took over. */
  constructor(expiries: Expiries, onExpired: (change: PresenceChange) => void) {
    this.#expiries = expiries;
    this.#onExpired = onExpired;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#placed.size;
  }

  /** Who is present. */
  list(): PresenceEntry[] {
    return Array.from(this.#placed.values(), ({ entry }) => entry);
  }

  /** See `Backplane.enter`. */
  enter({ user, connection, state }: PresenceEntry, owner: object): PresenceChange | undefined {
    const entry = { user, connection, state };
    const own = this.#placed.get(connection);
    if (own) {
      this.#recover(own);
      own.owner = owner;
      if (own.entry.state === state) return undefined;
      own.entry = entry;
      return { type: "updated", entry };
    }
    const lingering = this.#oldestLingering(user);
    if (lingering) return this.#takeOver(lingering, entry, owner, undefined);
    this.#placed.set(connection, { entry, owner, expiry: undefined, resumedFrom: undefined });
    return { type: "joined", entry };
  }

  /** See `Backplane.resume`. */
  resume({ user, connection, previous }: Resumption, owner: object): PresenceChange | undefined {
    if (this.#placed.has(connection)) return undefined;
    const placed = previous === undefined ? this.#oldestLingering(user) : this.#entryOf(previous);
    if (placed?.entry.user !== user) return undefined;
    return this.#takeOver(placed, { user, connection, state: placed.entry.state }, owner, previous);
  }

  /** See `Backplane.leave`. */
  leave(connection: string): PresenceChange | undefined {
    const placed = this.#placed.get(connection);
    return placed && this.#remove(placed);
  }

  /** See `Backplane.linger`; `until` is in milliseconds since 1970. One that lingers already keeps its time. */
  linger(connection: string, until: number): void {
    const placed = this.#placed.get(connection);
    if (placed) this.#lose(placed, until);
  }

  /** Lets all entries of an isolate linger. */
  lingerAllOf(owner: object, until: number): void {
    for (const placed of this.#placed.values()) {
      if (placed.owner === owner) this.#lose(placed, until);
    }
  }

  #lose(placed: Placed, until: number): void {
    if (placed.expiry) return;
    placed.expiry = this.#expiries.add(until, () => this.#onExpired(this.#remove(placed)));
    this.#lingering.add(placed);
  }

  #recover(placed: Placed): void {
    if (!placed.expiry) return;
    this.#expiries.cancel(placed.expiry);
    placed.expiry = undefined;
    this.#lingering.delete(placed);
  }

  #takeOver(
    placed: Placed,
    entry: PresenceEntry,
    owner: object,
    resumedFrom: string | undefined,
  ): PresenceChange {
    const previous = placed.entry.connection;
    this.#recover(placed);
    this.#placed.delete(previous);
    this.#placed.set(entry.connection, { entry, owner, expiry: undefined, resumedFrom });
    return { type: "updated", entry, previous };
  }

  #remove(placed: Placed): PresenceChange {
    this.#recover(placed);
    this.#placed.delete(placed.entry.connection);
    return { type: "left", entry: placed.entry };
  }

  /** The connection's entry, or the one that went on from it. */
  #entryOf(connection: string): Placed | undefined {
    const own = this.#placed.get(connection);
    if (own) return own;
    for (const placed of this.#placed.values()) {
      if (placed.resumedFrom === connection) return placed;
    }
    return undefined;
  }

  #oldestLingering(user: string): Placed | undefined {
    for (const placed of this.#lingering) {
      if (placed.entry.user === user) return placed;
    }
    return undefined;
  }
}
