import type { RoomEvent } from "./contract.ts";

/** Receiver of a room's events. */
export interface Subscriber {
  readonly deliver: (event: RoomEvent) => void;
}

/** Subscribers of one room. The error of one does not keep an event from the others. */
export class Subscribers {
  readonly #all = new Set<Subscriber>();
  readonly #onError: (error: unknown) => void;

  /** `onError` receives what `deliver` of a subscriber throws. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Adds a subscriber. */
  add(subscriber: Subscriber): void {
    this.#all.add(subscriber);
  }

  /**
   * Removes a subscriber: it gets no event after the call, not even the current one. Returns false
   * if it was removed before.
   */
  delete(subscriber: Subscriber): boolean {
    return this.#all.delete(subscriber);
  }

  /** Removes all subscribers. */
  clear(): void {
    this.#all.clear();
  }

  /** Delivers an event to all subscribers. */
  deliver(event: RoomEvent): void {
    for (const { deliver } of this.#all) {
      try {
        deliver(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
