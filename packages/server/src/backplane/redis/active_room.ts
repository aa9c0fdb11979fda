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

/** A room with local subscribers or presence entries; its lease is renewed periodically. */
export class ActiveRoom {
  readonly address: Address;
  readonly #server: RedisServer;
  readonly #subscription: RoomSubscription;
  readonly #entries: OwnEntries;
  readonly #onUnused: () => void;
  /** Number of running calls. */
  #calls = 0;
  #isRenewing = false;
  /** Time of the next renewal, by performance.now(). */
  #renewAt: number;
  /** Earliest time at which a grace period or a lease may end, by performance.now(). */
  #dueAt = Infinity;

  /** `onUnused` runs once the room has no subscriber, no entry and no running call. */
  constructor(server: RedisServer, address: Address, onUnused: () => void) {
    this.address = address;
    this.#server = server;
    this.#onUnused = onUnused;
    this.#entries = new OwnEntries(server, address);
    this.#subscription = new RoomSubscription(server, address, {
      onIdle: () => this.#endWhenUnused(),
      onChange: (change) => this.#entries.observe(change),
      onDue: (dueMs) => this.#scheduleRenewal(dueMs),
    });
    this.#renewAt = performance.now() + server.options.leaseMs / 3;
  }

  /** See `Backplane.subscribe`. */
  subscribe(deliver: (event: RoomEvent) => void): Promise<Subscription> {
    return this.#call(() => this.#subscription.subscribe(deliver));
  }

  /** See `Backplane.enter`. */
  enter(entry: PresenceEntry): Promise<void> {
    return this.#change(() => this.#entries.enter(entry));
  }

  /** See `Backplane.resume`. */
  resume(connection: Resumption): Promise<void> {
    return this.#change(() => this.#entries.resume(connection));
  }

  /** See `Backplane.leave`. */
  leave(connection: string): Promise<void> {
    return this.#change(() => this.#entries.leave(connection));
  }

  /** See `Backplane.linger`. */
  linger(connection: string, graceMs: number): Promise<void> {
    return this.#change(() => this.#entries.linger(connection, graceMs));
  }

  /** Receives a message of the room's channel. */
  receive(push: Push): void {
    this.#subscription.receive(push);
  }

  /** Renews the lease, removes expired entries, and compares the subscription with the room. */
  async renew(): Promise<void> {
    const { leaseMs, checkMs } = this.#server.options;
    const pauseMs = this.#entries.isEmpty ? Math.max(checkMs, leaseMs / 3) : leaseMs / 3;
    this.#renewAt = performance.now() + pauseMs;
    this.#dueAt = Infinity;
    const { head } = this.#subscription;
    const status = await this.#call(() => this.#entries.renew());
    this.#scheduleRenewal(status.dueMs);
    this.#subscription.compare(status, head);
  }

  /**
   * Refreshes a stale subscription, and renews the room if it is due at `now`, by
   * performance.now().
   */
  renewWhenDue(now: number): void {
    if (this.#subscription.isInUse) {
      const known = this.#server.historyGuard.knownState(this.address);
      if (this.#subscription.isStale) this.#subscription.refreshInBackground();
      else if (known) this.#subscription.compareHead(known);
    }
    if (this.#isRenewing || (now < this.#renewAt && now < this.#dueAt)) return;
    this.#isRenewing = true;
    void this.renew().catch((error: unknown) => {
      if (!(error instanceof BackplaneUnavailable)) this.#server.options.onEvent({ type: "failed", error });
    }).finally(() => this.#isRenewing = false);
  }

  /**
   * Subscribes again after a reconnect, which ended all subscriptions and may have lost messages.
   */
  handleReconnect(): void {
    if (this.#subscription.isInUse) this.#subscription.refreshInBackground();
    this.#renewAt = 0;
  }

  /** Subscribes on the server that has the room's slot now, if the slot has moved. */
  followSlot(link: Link | undefined): void {
    if (!this.#subscription.isInUse || link?.runId === undefined) return;
    if (link.isSubscribed(this.address.channel)) return;
    this.#subscription.refreshInBackground();
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#subscription.close();
  }

  /** Starts the disconnect grace period of all entries of this isolate. */
  disconnectEntries(): Promise<void> {
    return this.#entries.disconnectAll();
  }

  async #change(run: () => Promise<RoomStatus>): Promise<void> {
    const { dueMs } = await this.#call(run);
    this.#scheduleRenewal(dueMs);
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

  #scheduleRenewal(dueMs: number | undefined): void {
    if (dueMs !== undefined) this.#dueAt = Math.min(this.#dueAt, performance.now() + dueMs);
  }

  #endWhenUnused(): void {
    if (this.#calls === 0 && !this.#subscription.isInUse && this.#entries.isEmpty) this.#onUnused();
  }
}
