import type { PresenceChange, Retention, RoomEvent } from "../contract.ts";
import type { ScheduledTasks } from "./scheduled_tasks.ts";
import { RoomLog } from "./message_log.ts";
import { RoomPresence } from "./presence_entries.ts";

/** One subscription of a room. */
export interface Subscriber {
  readonly deliver: (event: RoomEvent) => void;
  /** Number of room events before the subscription; the subscriber does not receive those. */
  readonly since: number;
}

/** Options of `MemoryRoom`. */
export interface MemoryRoomOptions {
  readonly retention: Retention;
  readonly tasks: ScheduledTasks;
  /** Receives errors that a subscriber's `deliver` throws. */
  readonly onDeliverError: (error: unknown) => void;
  /**
   * Called when an entry's grace period ends without a takeover. The receiver delivers the change.
   */
  readonly onExpired: (room: MemoryRoom, change: PresenceChange) => void;
}

/** One room: its messages, presence entries and subscribers. */
export class MemoryRoom {
  readonly name: string;
  /** Id of the room's history. */
  readonly epoch: string;
  readonly log: RoomLog;
  readonly presence: RoomPresence;
  readonly #onDeliverError: (error: unknown) => void;
  readonly #subscribers = new Set<Subscriber>();
  /** Number of events delivered so far, the current one included. */
  #events = 0;
  #isDelivering = false;
  /** Events that arrived during the delivery of another one. */
  readonly #queued: RoomEvent[] = [];

  constructor(name: string, epoch: string, options: MemoryRoomOptions) {
    this.name = name;
    this.epoch = epoch;
    this.log = new RoomLog(options.retention);
    this.presence = new RoomPresence(options.tasks, (change) => options.onExpired(this, change));
    this.#onDeliverError = options.onDeliverError;
  }

  /** True if the room has subscribers or presence entries. */
  get isInUse(): boolean {
    return this.#subscribers.size > 0 || this.presence.size > 0;
  }

  /** Adds a subscriber, starting with the next event. */
  subscribe(deliver: (event: RoomEvent) => void): Subscriber {
    const subscriber = { deliver, since: this.#events + this.#queued.length };
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Removes a subscriber. No event is delivered to it after the call. */
  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /**
   * Delivers an event to every subscriber before it returns. An event that a subscriber causes
   * during a delivery is queued until that delivery is complete, so all subscribers see one order.
   */
  deliver(event: RoomEvent): void {
    if (this.#subscribers.size === 0) return;
    if (this.#isDelivering) {
      this.#queued.push(event);
      return;
    }
    this.#isDelivering = true;
    try {
      this.#deliverNow(event);
      for (let next = this.#queued.shift(); next; next = this.#queued.shift()) this.#deliverNow(next);
    } finally {
      this.#isDelivering = false;
    }
  }

  #deliverNow(event: RoomEvent): void {
    this.#events++;
    for (const { deliver, since } of this.#subscribers) {
      // A later subscriber already has this event in its head and presence list.
      if (since >= this.#events) continue;
      try {
        deliver(event);
      } catch (error) {
        this.#onDeliverError(error);
      }
    }
  }
}
