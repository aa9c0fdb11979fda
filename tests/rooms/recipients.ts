import type { FanOut, Recipient } from "../../packages/server/src/rooms/outbound/fan_out.ts";
import {
  FlushScheduler,
  type TurnHolder,
  type TurnWaiter,
} from "../../packages/server/src/rooms/outbound/flush_scheduler.ts";

/** Nothing that is to be sent may wait for longer. */
const MOST_TURNS = 20;

/** A turn of the event loop that ends when the test says so. */
export class ManualTurn extends FlushScheduler {
  readonly #waiting = new Set<TurnWaiter>();
  readonly #held = new Set<TurnHolder>();
  /** The time that is told, in milliseconds. */
  time = 0;

  constructor() {
    super(() => this.time);
  }

  override wait(waiter: TurnWaiter): void {
    this.#waiting.add(waiter);
  }

  override hold(holder: TurnHolder): void {
    this.#held.add(holder);
  }

  override release(holder: TurnHolder): void {
    this.#held.delete(holder);
  }

  /** Ends this turn, and those after it until nobody waits any more; what is held stays. */
  endTurn(): void {
    for (let turns = 0; turns < MOST_TURNS && this.#waiting.size > 0; turns++) {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const waiter of waiting) waiter.turnEnded();
    }
  }

  /** Ends this turn, and what is held. */
  end(): void {
    this.endTurn();
    const held = [...this.#held];
    this.#held.clear();
    for (const holder of held) holder.holdEnded();
  }

  /** Whether something waits for the end. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0 || this.#held.size > 0;
  }

  /** Whether something is held. */
  get isHeld(): boolean {
    return this.#held.size > 0;
  }
}

/** Keeps what it is sent. */
export class RecordingRecipient implements Recipient {
  readonly joinsFrames: boolean;
  readonly seesPresence: boolean;
  isSlow: boolean;
  /** The messages as they were sent. */
  readonly sent: string[] = [];

  constructor({ joinsFrames = true, seesPresence = true, isSlow = false }: Partial<Recipient> = {}) {
    this.joinsFrames = joinsFrames;
    this.seesPresence = seesPresence;
    this.isSlow = isSlow;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  /** The frames in what was sent; each is JSON. */
  get frames(): unknown[] {
    return this.sent.flatMap((text): unknown[] => {
      const value: unknown = JSON.parse(text);
      return Array.isArray(value) ? value : [value];
    });
  }
}

/** Sends the numbers as messages to everybody. */
export function sendNumbers(fanOut: FanOut<RecordingRecipient>, ...numbers: readonly number[]): void {
  for (const number of numbers) fanOut.toAll(String(number), "message");
}
