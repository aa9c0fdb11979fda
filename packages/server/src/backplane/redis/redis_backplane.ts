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
import { type Address, addressOf } from "./address.ts";
import type { Link } from "./redis_link.ts";
import { type RedisOptions, withDefaults } from "./redis_options.ts";
import { Publisher } from "./publisher.ts";
import { ephemeralPush, parsePush } from "./redis_records.ts";
import { RedisServer } from "./redis_server.ts";
import { ActiveRoom } from "./active_room.ts";

export type { RedisEvent, RedisOptions, RedisPlace } from "./redis_options.ts";

/** Creates the backplane of one isolate. It connects by itself, now and whenever a connection is lost. */
export function createRedisBackplane(options: RedisOptions): Backplane {
  return new RedisBackplane(options);
}

/** A backplane on Redis, or Valkey: a server, or a cluster. */
export class RedisBackplane implements Backplane {
  readonly #server: RedisServer;
  readonly #rooms = new Map<string, ActiveRoom>();
  readonly #roomOfChannel = new Map<string, ActiveRoom>();
  readonly #publishers = new Map<string, Publisher>();
  readonly #sweeping: ReturnType<typeof setInterval>;
  readonly #underWay = new Set<Promise<unknown>>();
  #waiting = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(options: RedisOptions) {
    const settings = withDefaults(options);
    this.#server = new RedisServer(settings, {
      onUp: (link) => this.#lookAt(link),
      onDown: () => {},
      onMoved: () => this.#followSlots(),
      onMessage: (channel, payload, run) => this.#take(channel, payload, run),
    });
    this.#sweeping = setInterval(() => this.#renewDue(), settings.sweepMs);
  }

  /** Names this isolate. */
  get isolate(): string {
    return this.#server.isolate;
  }

  publish(room: string, drafts: readonly Draft[]): Promise<readonly Stored[]> {
    if (this.#isClosed) return closed();
    if (drafts.length === 0) return Promise.resolve([]);
    if (this.#waiting + drafts.length > this.#server.settings.maxWaiting && this.#waiting > 0) {
      return Promise.reject(new BackplaneUnavailable("Too many messages wait to be stored."));
    }
    this.#waiting += drafts.length;
    const publishing = this.#publisher(room).publish(drafts).finally(() => this.#waiting -= drafts.length);
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

  async ready(): Promise<void> {
    if (this.#isClosed) return await closed();
    const { nodes, settings } = this.#server;
    const links = await nodes.links();
    await Promise.all(links.map((link) => link.untilUp(settings.waitMs)));
    await Promise.all(links.map((link) => link.command(["PING"])));
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Does what has to be done by now, without waiting for its time; for tests that move the clock. */
  async sweep(): Promise<void> {
    if (this.#isClosed) return;
    await Promise.all(Array.from(this.#rooms.values(), (room) => room.renew()));
  }

  /** Ends as a killed isolate does: everybody else learns of it when the lease has run out. */
  async abandon(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeping);
    for (const room of this.#rooms.values()) room.close();
    await this.#server.close();
    await Promise.allSettled(this.#underWay);
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeping);
    for (const room of this.#rooms.values()) room.close();
    const ending = Array.from(this.#rooms.values(), (room) => room.end());
    const finishing = Promise.allSettled([...this.#underWay, ...ending]).then(() => this.#server.leaveAll());
    // A server that is away must not keep the isolate: the lease tells the others.
    await Promise.race([finishing, this.#away()]);
    await this.#server.close();
    await finishing;
  }

  /** Resolves when some server has been away for as long as a call waits. */
  async #away(): Promise<void> {
    const { nodes, settings } = this.#server;
    try {
      const links = await nodes.links();
      await Promise.all(links.map((link) => link.untilUp(settings.waitMs)));
    } catch {
      return;
    }
    await new Promise(() => {});
  }

  #track<T>(call: Promise<T>): Promise<T> {
    this.#underWay.add(call);
    const end = () => void this.#underWay.delete(call);
    void call.then(end, end);
    return call;
  }

  #address(room: string): Address {
    return this.#rooms.get(room)?.address ?? addressOf(room, this.#server.settings.prefix);
  }

  #use(room: string): ActiveRoom {
    const known = this.#rooms.get(room);
    if (known) return known;
    const address = addressOf(room, this.#server.settings.prefix);
    const used = new ActiveRoom(this.#server, address, () => {
      // Another one may have taken its place.
      if (this.#rooms.get(room) !== used) return;
      this.#rooms.delete(room);
      this.#roomOfChannel.delete(address.channel);
    });
    this.#rooms.set(room, used);
    this.#roomOfChannel.set(address.channel, used);
    return used;
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

  #take(channel: string, payload: string, run: string): void {
    const room = this.#roomOfChannel.get(channel);
    const push = parsePush(payload);
    if (!room || !push) return;
    if ("epoch" in push) {
      const { witness } = this.#server;
      // Until it is known that it goes on with what was told before; then it is read.
      if (!witness.believes(channel, run)) return;
      const last = push.type === "messages" ? push.messages.at(-1) : undefined;
      if (last) witness.learn(room.address, { run, epoch: push.epoch, head: last.offset });
    }
    room.take(push);
  }

  #lookAt(link: Link): void {
    const { nodes } = this.#server;
    for (const room of this.#rooms.values()) {
      if (nodes.linkOf(room.address.slot) === link) room.connectionIsBack();
    }
    this.#server.vouchForAll();
  }

  #followSlots(): void {
    const { nodes } = this.#server;
    for (const room of this.#rooms.values()) room.follow(nodes.linkOf(room.address.slot));
    this.#server.vouchForAll();
  }

  #renewDue(): void {
    const now = performance.now();
    for (const room of this.#rooms.values()) room.renewWhenDue(now);
    this.#server.leaveIdle(({ room }) => this.#rooms.has(room) || this.#publishers.has(room));
    this.#server.vouchForAll();
  }
}

function closed(): Promise<never> {
  return Promise.reject(new BackplaneUnavailable("The backplane is closed."));
}
