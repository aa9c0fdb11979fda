import {
  type Backplane,
  BackplaneUnavailable,
  type Draft,
  type Ephemeral,
  type Page,
  type PageRequest,
  type PresenceEntry,
  type Resumption,
  type RoomEvent,
  type Stored,
  type Subscription,
} from "../contract.ts";
import { type Address, addressOf, type ValueAddress, valueAddressOf } from "./address.ts";
import type { Link } from "./redis_link.ts";
import { type RedisOptions, withDefaults } from "./redis_options.ts";
import { Publisher } from "./publisher.ts";
import { ephemeralPush, parsePush } from "./redis_records.ts";
import { RedisServer } from "./redis_server.ts";
import { RedisValues } from "./redis_values.ts";
import { ActiveRoom } from "./active_room.ts";

export type { RedisEvent, RedisOptions, RedisPlace } from "./redis_options.ts";

/**
 * Creates the backplane of one isolate. Connects at once, and reconnects whenever a connection is
 * lost.
 */
export function createRedisBackplane(options: RedisOptions): Backplane {
  return new RedisBackplane(options);
}

/** The backplane on Redis or Valkey: one server, or a cluster. */
export class RedisBackplane implements Backplane {
  readonly #server: RedisServer;
  readonly #values: RedisValues;
  readonly #rooms = new Map<string, ActiveRoom>();
  readonly #roomOfChannel = new Map<string, ActiveRoom>();
  readonly #publishers = new Map<string, Publisher>();
  readonly #sweepTimer: ReturnType<typeof setInterval>;
  readonly #runningCalls = new Set<Promise<unknown>>();
  /** Number of drafts that are not stored yet. */
  #pendingDrafts = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(options: RedisOptions) {
    const resolved = withDefaults(options);
    this.#server = new RedisServer(resolved, {
      onUp: (link) => this.#handleReconnect(link),
      onDown: () => {},
      onMoved: () => this.#followSlots(),
      onMessage: (channel, payload, runId) => this.#receive(channel, payload, runId),
    });
    this.#values = new RedisValues(this.#server.calls, resolved.shiftMs);
    this.#sweepTimer = setInterval(() => this.#renewDue(), resolved.sweepMs);
  }

  /** Id of this isolate. */
  get isolate(): string {
    return this.#server.isolate;
  }

  publish(room: string, drafts: readonly Draft[]): Promise<readonly Stored[]> {
    if (this.#isClosed) return closed();
    if (drafts.length === 0) return Promise.resolve([]);
    if (this.#pendingDrafts + drafts.length > this.#server.options.maxWaiting && this.#pendingDrafts > 0) {
      return Promise.reject(
        new BackplaneUnavailable("The publish queue of this isolate is full. Retry shortly."),
      );
    }
    this.#pendingDrafts += drafts.length;
    const publishing = this.#publisher(room).publish(drafts).finally(() =>
      this.#pendingDrafts -= drafts.length
    );
    return this.#track(publishing);
  }

  emit(room: string, message: Ephemeral): Promise<void> {
    if (this.#isClosed) return closed();
    return this.#track(this.#server.spublish(this.#address(room), ephemeralPush(message)));
  }

  subscribe(room: string, deliver: (event: RoomEvent) => void): Promise<Subscription> {
    if (this.#isClosed) return closed();
    return this.#track(this.#use(room).subscribe(deliver));
  }

  history(room: string, page: PageRequest): Promise<Page> {
    if (this.#isClosed) return closed();
    return this.#track(this.#server.page(this.#address(room), page));
  }

  enter(room: string, entry: PresenceEntry): Promise<void> {
    if (this.#isClosed) return closed();
    return this.#track(this.#use(room).enter(entry));
  }

  resume(room: string, connection: Resumption): Promise<void> {
    if (this.#isClosed) return closed();
    return this.#track(this.#use(room).resume(connection));
  }

  leave(room: string, connection: string): Promise<void> {
    if (this.#isClosed) return closed();
    return this.#track(this.#use(room).leave(connection));
  }

  linger(room: string, connection: string, graceMs: number): Promise<void> {
    if (this.#isClosed) return closed();
    return this.#track(this.#use(room).linger(connection, graceMs));
  }

  present(room: string): Promise<readonly PresenceEntry[]> {
    if (this.#isClosed) return closed();
    return this.#track(this.#server.present(this.#address(room)));
  }

  put(key: string, value: string, ttlMs: number): Promise<void> {
    if (this.#isClosed) return closed();
    return this.#track(this.#values.put(this.#valueAddress(key), value, ttlMs));
  }

  take(key: string): Promise<string | undefined> {
    if (this.#isClosed) return closed();
    return this.#track(this.#values.take(this.#valueAddress(key)));
  }

  async ready(): Promise<void> {
    if (this.#isClosed) return await closed();
    const { nodes, options } = this.#server;
    const links = await nodes.links();
    await Promise.all(links.map((link) => link.untilUp(options.waitMs)));
    await Promise.all(links.map((link) => link.command(["PING"])));
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Renews all rooms at once; for tests that move the clock. */
  async sweep(): Promise<void> {
    if (this.#isClosed) return;
    await Promise.all(Array.from(this.#rooms.values(), (room) => room.renew()));
  }

  /** Ends as a killed isolate does, for tests: its entries stay until its lease expires. */
  async abandon(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweepTimer);
    for (const room of this.#rooms.values()) room.close();
    await this.#server.close();
    await Promise.allSettled(this.#runningCalls);
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweepTimer);
    for (const room of this.#rooms.values()) room.close();
    const ending = Array.from(this.#rooms.values(), (room) => room.disconnectEntries());
    const finishing = Promise.allSettled([...this.#runningCalls, ...ending]).then(() =>
      this.#server.releaseAll()
    );
    // An unreachable server must not block the isolate's end: its lease expires instead.
    await Promise.race([finishing, this.#untilUnreachable()]);
    await this.#server.close();
    await finishing;
  }

  /** Resolves if a server stays unreachable for `waitMs`; otherwise never. */
  async #untilUnreachable(): Promise<void> {
    const { nodes, options } = this.#server;
    try {
      const links = await nodes.links();
      await Promise.all(links.map((link) => link.untilUp(options.waitMs)));
    } catch {
      return;
    }
    await new Promise(() => {});
  }

  #track<T>(call: Promise<T>): Promise<T> {
    this.#runningCalls.add(call);
    const end = () => void this.#runningCalls.delete(call);
    void call.then(end, end);
    return call;
  }

  #address(room: string): Address {
    return this.#rooms.get(room)?.address ?? addressOf(room, this.#server.options.prefix);
  }

  #valueAddress(key: string): ValueAddress {
    return valueAddressOf(key, this.#server.options.prefix);
  }

  #use(room: string): ActiveRoom {
    const known = this.#rooms.get(room);
    if (known) return known;
    const address = addressOf(room, this.#server.options.prefix);
    const active = new ActiveRoom(this.#server, address, () => {
      // Another instance may have replaced this one.
      if (this.#rooms.get(room) !== active) return;
      this.#rooms.delete(room);
      this.#roomOfChannel.delete(address.channel);
    });
    this.#rooms.set(room, active);
    this.#roomOfChannel.set(address.channel, active);
    return active;
  }

  #publisher(room: string): Publisher {
    const known = this.#publishers.get(room);
    if (known) return known;
    const publisher = new Publisher(
      this.#server,
      this.#address(room),
      () => void this.#publishers.delete(room),
    );
    this.#publishers.set(room, publisher);
    return publisher;
  }

  #receive(channel: string, payload: string, runId: string): void {
    const room = this.#roomOfChannel.get(channel);
    const push = parsePush(payload);
    if (!room || !push) return;
    if ("epoch" in push) {
      const { historyGuard } = this.#server;
      // Messages of an unconfirmed server run are dropped; the confirmed room is read later.
      if (!historyGuard.isCurrentRun(channel, runId)) return;
      const last = push.type === "messages" ? push.messages.at(-1) : undefined;
      if (last) historyGuard.observe(room.address, { runId, epoch: push.epoch, head: last.offset });
    }
    room.receive(push);
  }

  #handleReconnect(link: Link): void {
    const { nodes } = this.#server;
    for (const room of this.#rooms.values()) {
      if (nodes.linkOf(room.address.slot) === link) room.handleReconnect();
    }
    this.#server.confirmAll();
  }

  #followSlots(): void {
    const { nodes } = this.#server;
    for (const room of this.#rooms.values()) room.followSlot(nodes.linkOf(room.address.slot));
    this.#server.confirmAll();
  }

  #renewDue(): void {
    const now = performance.now();
    for (const room of this.#rooms.values()) room.renewWhenDue(now);
    this.#server.releaseIdle(({ room }) => this.#rooms.has(room) || this.#publishers.has(room));
    this.#server.confirmAll();
  }
}

function closed(): Promise<never> {
  return Promise.reject(new BackplaneUnavailable("The backplane is closed."));
}
