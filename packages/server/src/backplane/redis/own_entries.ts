import type { PresenceChange, PresenceEntry, Resumption } from "../contract.ts";
import type { Address } from "./address.ts";
import { type RedisServer, type RoomStatus, textsOf } from "./redis_server.ts";
import { unescapeText } from "../wire/wire_text.ts";

/** An entry of this isolate. */
interface OwnEntry {
  readonly user: string;
  state: string;
  /** True once Redis has stored the entry. */
  isEntered: boolean;
}

/**
 * The presence entries of one room that belong to this isolate. Renews the isolate's lease, enters
 * entries again that Redis lost or swept, and retries departures that failed.
 */
export class OwnEntries {
  readonly #server: RedisServer;
  readonly #address: Address;
  readonly #entries = new Map<string, OwnEntry>();
  /** Departures that Redis has not stored yet: grace period by connection, in milliseconds. */
  readonly #departures = new Map<string, number>();
  /**
   * Presence generation of the first entry; another generation means that Redis lost all entries.
   */
  #generation: string | undefined;

  constructor(server: RedisServer, address: Address) {
    this.#server = server;
    this.#address = address;
  }

  /** True if the isolate has neither entries nor pending departures. */
  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#departures.size === 0;
  }

  /** See `Backplane.enter`. */
  async enter({ user, connection, state }: PresenceEntry): Promise<RoomStatus> {
    const before = this.#entries.get(connection);
    const own: OwnEntry = { user, state, isEntered: false };
    this.#entries.set(connection, own);
    this.#departures.delete(connection);
    try {
      const status = await this.#server.operate(this.#address, "enter", [user, connection, state]);
      own.isEntered = true;
      this.#generation ??= status.generation;
      return status;
    } catch (error) {
      if (this.#entries.get(connection) === own) {
        if (before) this.#entries.set(connection, before);
        else this.#entries.delete(connection);
      }
      throw error;
    }
  }

  /** See `Backplane.resume`. */
  async resume({ user, connection, previous }: Resumption): Promise<RoomStatus> {
    const isNew = !this.#entries.has(connection);
    const own: OwnEntry = { user, state: "", isEntered: false };
    if (isNew) this.#entries.set(connection, own);
    try {
      const names = previous === undefined ? [user, connection] : [user, connection, previous];
      const status = await this.#server.operate(this.#address, "resume", names);
      if (typeof status.result === "string") {
        own.state = unescapeText(status.result);
        own.isEntered = true;
        this.#generation ??= status.generation;
      }
      return status;
    } finally {
      if (isNew && !own.isEntered && this.#entries.get(connection) === own) this.#entries.delete(connection);
    }
  }

  /** See `Backplane.leave`. */
  leave(connection: string): Promise<RoomStatus> {
    return this.#depart(connection, 0);
  }

  /** See `Backplane.linger`. */
  linger(connection: string, graceMs: number): Promise<RoomStatus> {
    return this.#depart(connection, graceMs);
  }

  /** Drops an own entry that another connection has taken over. */
  observe(change: PresenceChange): void {
    if (change.type === "updated" && change.previous !== undefined) this.#entries.delete(change.previous);
  }

  /** Renews the lease, and repairs entries and departures that differ from Redis. */
  async renew(): Promise<RoomStatus> {
    for (const [connection, graceMs] of this.#departures) await this.#depart(connection, graceMs);
    const entered = new Map(Array.from(this.#entries).filter(([, { isEntered }]) => isEntered));
    const args = [this.#generation ?? "", ...entered.keys()];
    const status = await this.#server.operate(this.#address, "renew", args);
    const [wasLost, ...missing] = textsOf(status.result);
    if (wasLost === "1") this.#generation = status.generation || undefined;
    if (this.#entries.size === 0) this.#generation = undefined;
    for (const connection of missing.map(unescapeText)) {
      const own = entered.get(connection);
      // The connection may have left, or entered again, during the call.
      if (!own || this.#entries.get(connection) !== own) continue;
      if (wasLost === "1") await this.enter({ user: own.user, connection, state: own.state });
      else this.#entries.delete(connection);
    }
    return status;
  }

  /** Starts the disconnect grace period of all entries. */
  async disconnectAll(): Promise<void> {
    if (this.isEmpty) return;
    this.#entries.clear();
    this.#departures.clear();
    await this.#server.operate(this.#address, "end");
  }

  async #depart(connection: string, graceMs: number): Promise<RoomStatus> {
    const isOwn = this.#entries.delete(connection) || this.#departures.has(connection);
    if (isOwn) this.#departures.set(connection, graceMs);
    const args = graceMs > 0 ? [connection, `${Math.round(graceMs)}`] : [connection];
    const status = await this.#server.operate(this.#address, graceMs > 0 ? "linger" : "leave", args);
    this.#departures.delete(connection);
    return status;
  }
}
