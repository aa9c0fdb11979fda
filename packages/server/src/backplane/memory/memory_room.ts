import type { PresenceChange, Retention, RoomEvent } from "../contract.ts";
import type { Expiries } from "./scheduled_tasks.ts";
import { RoomLog } from "./message_log.ts";
import { RoomPresence } from "./presence_entries.ts";

/** One subscription of a room. */
export interface Subscriber {
  readonly deliver: (event: RoomEvent) => void;
  /** How many events the room had had when it began: those are not for it. */
  readonly since: number;
}

/** What a room needs to know. */
export interface RoomOptions {
  readonly retention: Retention;
  readonly expiries: Expiries;
  /** Told what a subscriber's `deliver` threw. */
  readonly onDeliverError: (error: unknown) => void;
  /** Told who left since nobody took over; it is for the receiver to deliver it. */
  readonly onExpired: (room: MemoryRoom, change: PresenceChange) => void;
}

/** One room: its messages, who is present, and who is told. */
export class MemoryRoom {
  readonly name: string;
  /** Names its history. */
  readonly epoch: string;
  readonly log: RoomLog;
  readonly presence: RoomPresence;
  readonly #onDeliverError: (error: unknown) => void;
  readonly #subscribers = new Set<Subscriber>();
  /** Events that were delivered or are being delivered. */
  #events = 0;
  #isDelivering = false;
  /** Those that came while another one was being delivered. */
  readonly #waiting: RoomEvent[] = [];

  constructor(name: string, epoch: string, options: RoomOptions) {
    this.name = name;
    this.epoch = epoch;
    this.log = new RoomLog(options.retention);
    this.presence = new RoomPresence(options.expiries, (change) => options.onExpired(this, change));
    this.#onDeliverError = options.onDeliverError;
  }

  /** Whether somebody listens or is present. */
  get isInUse(): boolean {
    return this.#subscribers.size > 0 || this.presence.size > 0;
  }

  /** Delivers from the next event on. */
  subscribe(deliver: (event: RoomEvent) => void): Subscriber {
    const subscriber = { deliver, since: this.#events + this.#waiting.length };
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Delivers nothing more from now on. */
  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /**
   * Delivers an event to every subscriber, before it returns; but one that a subscriber causes while it is told of another waits
   * until everybody has been told of that one, so that all see one order.
   */
  deliver(event: RoomEvent): void {
    if (this.#subscribers.size === 0) return;
    if (this.#isDelivering) {
      this.#waiting.push(event);
      return;
    }
    this.#isDelivering = true;
    try {
      this.#deliverNow(event);
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#deliverNow(next);
    } finally {
      this.#isDelivering = false;
    }
  }

  #deliverNow(event: RoomEvent): void {
    this.#events++;
    for (const { deliver, since } of this.#subscribers) {
      // One that began meanwhile has seen in its head and its list what this event says.
      if (since >= this.#events) continue;
      try {
        deliver(event);
      } catch (error) {
        this.#onDeliverError(error);
      }
    }
  }
}
