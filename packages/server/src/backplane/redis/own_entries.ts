import type { PresenceChange, PresenceEntry, Resumption } from "../contract.ts";
import type { Address } from "./address.ts";
import { type RedisServer, type RoomStatus, textsOf } from "./redis_server.ts";
import { unescapeText } from "../wire/wire_text.ts";

/** An entry of this isolate. */
interface Own {
  readonly user: string;
  state: string;
  /** Whether the server has said so. */
  isEntered: boolean;
}

/**
 * One room's entries that this isolate answers for. It says again and again that it is alive; where the server has lost an entry,
 * or taken the isolate for dead, it is entered again; where a loss could not be told, it is told later.
 */
export class OwnEntries {
  readonly #server: RedisServer;
  readonly #address: Address;
  readonly #entries = new Map<string, Own>();
  /** Connections that are gone and may still be there: after which time they go, in milliseconds. */
  readonly #departed = new Map<string, number>();
  /** What the server said when the first one entered: another one says that all were lost. */
  #mark: string | undefined;

  constructor(server: RedisServer, address: Address) {
    this.#server = server;
    this.#address = address;
  }

  /** Whether there is something to answer for. */
  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#departed.size === 0;
  }

  /** See `Backplane.enter`. */
  async enter({ user, connection, state }: PresenceEntry): Promise<RoomStatus> {
    const before = this.#entries.get(connection);
    const own: Own = { user, state, isEntered: false };
    this.#entries.set(connection, own);
    this.#departed.delete(connection);
    try {
      const status = await this.#server.operate(this.#address, "enter", [user, connection, state]);
      own.isEntered = true;
      this.#mark ??= status.mark;
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
    const own: Own = { user, state: "", isEntered: false };
    if (isNew) this.#entries.set(connection, own);
    try {
      const names = previous === undefined ? [user, connection] : [user, connection, previous];
      const status = await this.#server.operate(this.#address, "resume", names);
      if (typeof status.result === "string") {
        own.state = unescapeText(status.result);
        own.isEntered = true;
        this.#mark ??= status.mark;
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

  /** Takes in what changed. */
  take(change: PresenceChange): void {
    if (change.type === "updated" && change.previous !== undefined) this.#entries.delete(change.previous);
  }

  /** Says that the isolate is alive, and mends what is not as it should be. */
  async renew(): Promise<RoomStatus> {
    for (const [connection, graceMs] of this.#departed) await this.#depart(connection, graceMs);
    const entered = new Map(Array.from(this.#entries).filter(([, { isEntered }]) => isEntered));
    const args = [this.#mark ?? "", ...entered.keys()];
    const status = await this.#server.operate(this.#address, "renew", args);
    const [wasLost, ...missing] = textsOf(status.result);
    if (wasLost === "1") this.#mark = status.mark || undefined;
    if (this.#entries.size === 0) this.#mark = undefined;
    for (const connection of missing.map(unescapeText)) {
      const own = entered.get(connection);
      // Meanwhile it may have left, or entered anew.
      if (!own || this.#entries.get(connection) !== own) continue;
      if (wasLost === "1") await this.enter({ user: own.user, connection, state: own.state });
      else this.#entries.delete(connection);
    }
    return status;
  }

  /** All of them linger from now on. */
  async end(): Promise<void> {
    if (this.isEmpty) return;
    this.#entries.clear();
    this.#departed.clear();
    await this.#server.operate(this.#address, "end");
  }

  async #depart(connection: string, graceMs: number): Promise<RoomStatus> {
    const isOwn = this.#entries.delete(connection) || this.#departed.has(connection);
    if (isOwn) this.#departed.set(connection, graceMs);
    const args = graceMs > 0 ? [connection, `${Math.round(graceMs)}`] : [connection];
    const status = await this.#server.operate(this.#address, graceMs > 0 ? "linger" : "leave", args);
    this.#departed.delete(connection);
    return status;
  }
}
