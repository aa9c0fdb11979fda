import {
  type Backplane,
  type BackplaneOptions,
  BackplaneUnavailable,
  type Draft,
  type Ephemeral,
  type Page,
  type PageRequest,
  type PresenceChange,
  type PresenceEntry,
  type Resumption,
  type RoomEvent,
  type Stored,
  type Subscription,
} from "../contract.ts";
import { Expiries } from "./scheduled_tasks.ts";
import type { MemoryRoom } from "./memory_room.ts";
import { MemoryRooms } from "./memory_rooms.ts";

/** What a memory is bounded by, and what it is given. */
export interface MemoryOptions extends BackplaneOptions {
  /**
   * What all rooms together may keep, in bytes, about: text and a constant for each message, remembered publish and room.
   * Over it, rooms in which nobody is lose their history, then the room that is published to its oldest messages. Rooms in
   * which somebody is stay, if it needs be beyond it.
   */
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Random text; asked for once, so that another process's history is known for another one. */
  readonly id: () => string;
}

/** What the backplanes of one process share: everything is gone with it. */
export class MemoryWorld {
  /** How long the entries of a backplane that was closed linger, in milliseconds. */
  readonly graceMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The rooms that there are. */
  readonly rooms: MemoryRooms;
  readonly #expiries: Expiries;
  #open = 0;

  constructor(options: MemoryOptions) {
    this.graceMs = options.graceMs;
    this.now = options.now;
    this.#expiries = new Expiries(options.now);
    this.rooms = new MemoryRooms({ ...options, id: options.id(), expiries: this.#expiries });
  }

  /** Lets entries go that have lingered long enough. A timer does it too, while there is an open backplane. */
  sweep(): void {
    this.#expiries.runDue();
  }

  /** Counts a backplane in. */
  opened(): void {
    if (++this.#open === 1) this.#expiries.start();
  }

  /** Counts a backplane out: with the last one the timer stops. */
  closed(): void {
    if (--this.#open === 0) this.#expiries.stop();
  }
}

/** Creates the backplane of one isolate in a memory. It never is out of reach: its calls reject only once it is closed. */
export function createMemoryBackplane(world: MemoryWorld): Backplane {
  return new MemoryBackplane(world);
}

/** Every call does its work, and delivers, before it returns. */
class MemoryBackplane implements Backplane {
  readonly #world: MemoryWorld;
  readonly #subscriptions = new Set<Subscription>();
  #closed = false;

  constructor(world: MemoryWorld) {
    this.#world = world;
    world.opened();
  }

  publish(name: string, drafts: readonly Draft[]): Promise<readonly Stored[]> {
    if (this.#closed) return unavailable();
    if (drafts.length === 0) return Promise.resolve([]);
    const room = this.#world.rooms.obtain(name);
    const { stored, added } = this.#world.rooms.append(room, drafts);
    if (added.length > 0) room.deliver({ type: "messages", messages: added });
    return Promise.resolve(stored);
  }

  emit(name: string, message: Ephemeral): Promise<void> {
    if (this.#closed) return unavailable();
    this.#world.rooms.find(name)?.deliver({ type: "ephemeral", message });
    return Promise.resolve();
  }

  subscribe(name: string, deliver: (event: RoomEvent) => void): Promise<Subscription> {
    if (this.#closed) return unavailable();
    this.#world.sweep();
    const { rooms } = this.#world;
    const room = rooms.obtain(name);
    const subscriber = room.subscribe(deliver);
    rooms.release(room);
    const subscription: Subscription = {
      epoch: room.epoch,
      head: room.log.head,
      present: room.presence.list(),
      close: () => {
        if (!this.#subscriptions.delete(subscription)) return;
        room.unsubscribe(subscriber);
        rooms.release(room);
      },
    };
    this.#subscriptions.add(subscription);
    return Promise.resolve(subscription);
  }

  history(name: string, page: PageRequest): Promise<Page> {
    if (this.#closed) return unavailable();
    return Promise.resolve(this.#world.rooms.page(name, page));
  }

  enter(name: string, entry: PresenceEntry): Promise<void> {
    if (this.#closed) return unavailable();
    this.#world.sweep();
    const room = this.#world.rooms.obtain(name);
    return this.#changed(room, room.presence.enter(entry, this));
  }

  resume(name: string, connection: Resumption): Promise<void> {
    if (this.#closed) return unavailable();
    this.#world.sweep();
    const room = this.#world.rooms.find(name);
    return this.#changed(room, room?.presence.resume(connection, this));
  }

  leave(name: string, connection: string): Promise<void> {
    if (this.#closed) return unavailable();
    const room = this.#world.rooms.find(name);
    return this.#changed(room, room?.presence.leave(connection));
  }

  linger(name: string, connection: string, graceMs: number): Promise<void> {
    if (this.#closed) return unavailable();
    this.#world.rooms.find(name)?.presence.linger(connection, this.#world.now() + graceMs);
    return Promise.resolve();
  }

  present(name: string): Promise<readonly PresenceEntry[]> {
    if (this.#closed) return unavailable();
    this.#world.sweep();
    return Promise.resolve(this.#world.rooms.find(name)?.presence.list() ?? []);
  }

  ready(): Promise<void> {
    return this.#closed ? unavailable() : Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.close();
    const until = this.#world.now() + this.#world.graceMs;
    for (const room of this.#world.rooms.all()) room.presence.lingerAllOf(this, until);
    this.#world.closed();
    return Promise.resolve();
  }

  #changed(room: MemoryRoom | undefined, change: PresenceChange | undefined): Promise<void> {
    if (!room || !change) return Promise.resolve();
    this.#world.rooms.release(room);
    room.deliver({ type: "presence", change });
    return Promise.resolve();
  }
}

function unavailable(): Promise<never> {
  return Promise.reject(new BackplaneUnavailable("The backplane is closed."));
}
