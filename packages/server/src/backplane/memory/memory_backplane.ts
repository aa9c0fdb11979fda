import type { MonotonicClock, WallClock } from "../../clocks.ts";
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
import { ScheduledTasks } from "./scheduled_tasks.ts";
import type { MemoryRoom } from "./memory_room.ts";
import { MemoryRooms } from "./memory_rooms.ts";
import { MemoryValues } from "./memory_values.ts";

/** Options of `MemoryStore`. */
export interface MemoryOptions extends BackplaneOptions {
  /**
   * Approximate bound of all rooms' memory, in bytes: text, plus a constant per message, dedupe
   * entry and room. Above it, rooms without members lose their history first. Then the room that is
   * published to loses its oldest messages. Rooms with members are never evicted, even above the
   * limit.
   */
  readonly maxBytes: number;
  readonly now: MonotonicClock;
  /** Gives messages their `at`. */
  readonly wallNow: WallClock;
  /** Generates random text; called once. The text tells this process's epochs from another's. */
  readonly id: () => string;
}

/** State that the backplanes of one process share; lost when the process ends. */
export class MemoryStore {
  /** Disconnect grace period of a closed backplane's entries, in milliseconds. */
  readonly graceMs: number;
  readonly now: MonotonicClock;
  readonly rooms: MemoryRooms;
  readonly values: MemoryValues;
  readonly #tasks: ScheduledTasks;
  #open = 0;

  constructor(options: MemoryOptions) {
    this.graceMs = options.graceMs;
    this.now = options.now;
    this.values = new MemoryValues(options.now);
    this.#tasks = new ScheduledTasks(options.now);
    this.rooms = new MemoryRooms({ ...options, id: options.id(), tasks: this.#tasks });
  }

  /** Removes entries whose grace period is over. A timer also does so while a backplane is open. */
  sweep(): void {
    this.#tasks.runDue();
  }

  /** Counts an open backplane; the first one starts the timer. */
  addBackplane(): void {
    if (++this.#open === 1) this.#tasks.start();
  }

  /** Discounts a closed backplane; the last one stops the timer. */
  removeBackplane(): void {
    if (--this.#open === 0) this.#tasks.stop();
  }
}

/**
 * Creates the backplane of one isolate in memory. Its calls reject only once it is closed, and
 * `put` if too many values wait.
 */
export function createMemoryBackplane(store: MemoryStore): Backplane {
  return new MemoryBackplane(store);
}

/** Completes every call synchronously: state and deliveries are done before it returns. */
class MemoryBackplane implements Backplane {
  readonly #store: MemoryStore;
  readonly #subscriptions = new Set<Subscription>();
  #closed = false;

  constructor(store: MemoryStore) {
    this.#store = store;
    store.addBackplane();
  }

  publish(name: string, drafts: readonly Draft[]): Promise<readonly Stored[]> {
    if (this.#closed) return unavailable();
    if (drafts.length === 0) return Promise.resolve([]);
    const room = this.#store.rooms.obtain(name);
    const { stored, added } = this.#store.rooms.append(room, drafts);
    if (added.length > 0) room.deliver({ type: "messages", messages: added });
    return Promise.resolve(stored);
  }

  emit(name: string, message: Ephemeral): Promise<void> {
    if (this.#closed) return unavailable();
    this.#store.rooms.find(name)?.deliver({ type: "ephemeral", message });
    return Promise.resolve();
  }

  subscribe(name: string, deliver: (event: RoomEvent) => void): Promise<Subscription> {
    if (this.#closed) return unavailable();
    this.#store.sweep();
    const { rooms } = this.#store;
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
    return Promise.resolve(this.#store.rooms.page(name, page));
  }

  enter(name: string, entry: PresenceEntry): Promise<void> {
    if (this.#closed) return unavailable();
    this.#store.sweep();
    const room = this.#store.rooms.obtain(name);
    return this.#changed(room, room.presence.enter(entry, this));
  }

  resume(name: string, connection: Resumption): Promise<void> {
    if (this.#closed) return unavailable();
    this.#store.sweep();
    const room = this.#store.rooms.find(name);
    return this.#changed(room, room?.presence.resume(connection, this));
  }

  leave(name: string, connection: string): Promise<void> {
    if (this.#closed) return unavailable();
    const room = this.#store.rooms.find(name);
    return this.#changed(room, room?.presence.leave(connection));
  }

  linger(name: string, connection: string, graceMs: number): Promise<void> {
    if (this.#closed) return unavailable();
    this.#store.rooms.find(name)?.presence.linger(connection, this.#store.now() + graceMs);
    return Promise.resolve();
  }

  present(name: string): Promise<readonly PresenceEntry[]> {
    if (this.#closed) return unavailable();
    this.#store.sweep();
    return Promise.resolve(this.#store.rooms.find(name)?.presence.list() ?? []);
  }

  // Async, so that a throw rejects.
  async put(key: string, value: string, ttlMs: number): Promise<void> {
    if (this.#closed) return await unavailable();
    this.#store.values.put(key, value, ttlMs);
  }

  take(key: string): Promise<string | undefined> {
    if (this.#closed) return unavailable();
    return Promise.resolve(this.#store.values.take(key));
  }

  ready(): Promise<void> {
    return this.#closed ? unavailable() : Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.close();
    const until = this.#store.now() + this.#store.graceMs;
    for (const room of this.#store.rooms.all()) room.presence.lingerAllOf(this, until);
    this.#store.removeBackplane();
    return Promise.resolve();
  }

  #changed(room: MemoryRoom | undefined, change: PresenceChange | undefined): Promise<void> {
    if (!room || !change) return Promise.resolve();
    this.#store.rooms.release(room);
    room.deliver({ type: "presence", change });
    return Promise.resolve();
  }
}

function unavailable(): Promise<never> {
  return Promise.reject(new BackplaneUnavailable("The backplane is closed."));
}
