import {
  BackplaneUnavailable,
  type PresenceEntry,
  type Resumption,
  type RoomEvent,
  type Subscription,
} from "../contract.ts";
import type { Address } from "./address.ts";
import type { Link } from "./redis_link.ts";
import { RoomSubscription } from "./room_subscription.ts";
import { OwnEntries } from "./own_entries.ts";
import type { Push } from "./redis_records.ts";
import type { RedisServer, RoomStatus } from "./redis_server.ts";

/** A room that this isolate listens to, or in which it has entries. It is looked after again and again. */
export class ActiveRoom {
  readonly address: Address;
  readonly #server: RedisServer;
  readonly #live: RoomSubscription;
  readonly #own: OwnEntries;
  readonly #onUnused: () => void;
  /** Calls that are under way. */
  #calls = 0;
  #isRenewing = false;
  /** When it is to be renewed, by performance.now(). */
  #renewAt: number;
  /** When somebody may leave. */
  #dueAt = Infinity;

  /** `onUnused` is called when it is of no use any more. */
  constructor(server: RedisServer, address: Address, onUnused: () => void) {
    this.address = address;
    this.#server = server;
    this.#onUnused = onUnused;
    this.#own = new OwnEntries(server, address);
    this.#live = new RoomSubscription(server, address, {
      onIdle: () => this.#endWhenUnused(),
      onChange: (change) => this.#own.take(change),
      onDue: (dueMs) => this.#due(dueMs),
    });
    this.#renewAt = performance.now() + server.settings.leaseMs / 3;
  }

  /** See `Backplane.subscribe`. */
  subscribe(deliver: (event: RoomEvent) => void): Promise<Subscription> {
    return this.#call(() => this.#live.subscribe(deliver));
  }

  /** See `Backplane.enter`. */
  enter(entry: PresenceEntry): Promise<void> {
    return this.#change(() => this.#own.enter(entry));
  }

  /** See `Backplane.resume`. */
  resume(connection: Resumption): Promise<void> {
    return this.#change(() => this.#own.resume(connection));
  }

  /** See `Backplane.leave`. */
  leave(connection: string): Promise<void> {
    return this.#change(() => this.#own.leave(connection));
  }

  /** See `Backplane.linger`. */
  linger(connection: string, graceMs: number): Promise<void> {
    return this.#change(() => this.#own.linger(connection, graceMs));
  }

  /** Takes what was published. */
  take(push: Push): void {
    this.#live.take(push);
  }

  /** Says that the isolate is alive, lets go who is to go, and compares. */
  async renew(): Promise<void> {
    const { leaseMs, checkMs } = this.#server.settings;
    const pauseMs = this.#own.isEmpty ? Math.max(checkMs, leaseMs / 3) : leaseMs / 3;
    this.#renewAt = performance.now() + pauseMs;
    this.#dueAt = Infinity;
    const { head } = this.#live;
    const status = await this.#call(() => this.#own.renew());
    this.#due(status.dueMs);
    this.#live.compare(status, head);
  }

  /** Renews when it is time, by performance.now(). */
  renewWhenDue(now: number): void {
    if (this.#live.isInUse) {
      const known = this.#server.witness.knowledge(this.address);
      if (this.#live.isStale) this.#live.lookSoon();
      else if (known) this.#live.compareHead(known);
    }
    if (this.#isRenewing || (now < this.#renewAt && now < this.#dueAt)) return;
    this.#isRenewing = true;
    void this.renew().catch((error: unknown) => {
      if (!(error instanceof BackplaneUnavailable)) this.#server.settings.onEvent({ type: "failed", error });
    }).finally(() => this.#isRenewing = false);
  }

  /** The connection to its server was made anew: nothing is subscribed to, and something may have been missed. */
  connectionIsBack(): void {
    if (this.#live.isInUse) this.#live.lookSoon();
    this.#renewAt = 0;
  }

  /** Its slot may be on another server. */
  follow(link: Link | undefined): void {
    if (!this.#live.isInUse || link?.run === undefined || link.isSubscribed(this.address.channel)) return;
    this.#live.lookSoon();
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#live.close();
  }

  /** All entries of this isolate linger from now on. */
  end(): Promise<void> {
    return this.#own.end();
  }

  async #change(run: () => Promise<RoomStatus>): Promise<void> {
    const { dueMs } = await this.#call(run);
    this.#due(dueMs);
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await run();
    } finally {
      this.#calls--;
      this.#endWhenUnused();
    }
  }

  #due(dueMs: number | undefined): void {
    if (dueMs !== undefined) this.#dueAt = Math.min(this.#dueAt, performance.now() + dueMs);
  }

  #endWhenUnused(): void {
    if (this.#calls === 0 && !this.#live.isInUse && this.#own.isEmpty) this.#onUnused();
  }
}
