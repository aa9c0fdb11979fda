import type { FanOut, Recipient } from "../../packages/server/src/rooms/outbound/fan_out.ts";
import {
  type DelayListener,
  FlushScheduler,
  type TickListener,
} from "../../packages/server/src/rooms/outbound/flush_scheduler.ts";

/** Upper bound of the ticks until all frames are sent. */
const MAX_TICKS = 20;

/** Scheduler whose ticks the test settles. */
export class ManualScheduler extends FlushScheduler {
  readonly #scheduled = new Set<TickListener>();
  readonly #delayed = new Set<DelayListener>();
  /** Time of the clock, in milliseconds. */
  time = 0;

  constructor() {
    super(() => this.time);
  }

  override schedule(listener: TickListener): void {
    this.#scheduled.add(listener);
  }

  override delay(listener: DelayListener): void {
    this.#delayed.add(listener);
  }

  override cancel(listener: DelayListener): void {
    this.#delayed.delete(listener);
  }

  /** Settles ticks until no listener is scheduled. Delays stay. */
  settleTick(): void {
    for (let ticks = 0; ticks < MAX_TICKS && this.#scheduled.size > 0; ticks++) {
      const listeners = [...this.#scheduled];
      this.#scheduled.clear();
      for (const listener of listeners) listener.tickSettled();
    }
  }

  /** Settles the tick and ends all delays. */
  settleAll(): void {
    this.settleTick();
    const delayed = [...this.#delayed];
    this.#delayed.clear();
    for (const listener of delayed) listener.delayEnded();
  }

  /** True if a listener is scheduled or delayed. */
  get isAwaited(): boolean {
    return this.#scheduled.size > 0 || this.#delayed.size > 0;
  }

  /** True if a listener is delayed. */
  get isDelaying(): boolean {
    return this.#delayed.size > 0;
  }
}

/** Recipient that records the texts sent to it. */
export class RecordingRecipient implements Recipient {
  readonly joinsFrames: boolean;
  readonly label: string | undefined;
  readonly seesPresence: boolean;
  isSlow: boolean;
  /** Sent texts. */
  readonly sent: string[] = [];

  constructor({ joinsFrames = true, label, seesPresence = true, isSlow = false }: Partial<Recipient> = {}) {
    this.label = label;
    this.joinsFrames = joinsFrames;
    this.seesPresence = seesPresence;
    this.isSlow = isSlow;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  /** Parsed frames of the sent texts. */
  get frames(): unknown[] {
    return this.sent.flatMap((text): unknown[] => {
      const value: unknown = JSON.parse(text);
      return Array.isArray(value) ? value : [value];
    });
  }
}

/** Sends numbers as messages to all recipients. */
export function sendNumbers(fanOut: FanOut<RecordingRecipient>, ...numbers: readonly number[]): void {
  for (const number of numbers) fanOut.toAll(String(number), "message");
}
