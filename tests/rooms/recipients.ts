import type { PresenceChange } from "../../packages/server/src/backplane/contract.ts";
import {
  type DelayListener,
  FlushScheduler,
  type TickListener,
} from "../../packages/server/src/rooms/outbound/flush_scheduler.ts";
import { OutboundQueue } from "../../packages/server/src/rooms/outbound/outbound_queue.ts";
import type { Recipient } from "../../packages/server/src/rooms/outbound/recipient.ts";

/** Upper bound of the ticks until all frames are sent. */
const MAX_TICKS = 20;

/** Scheduler whose ticks the test settles. */
export class ManualScheduler extends FlushScheduler {
  readonly #scheduled = new Set<TickListener>();
  readonly #delayed = new Set<DelayListener>();
  /** Milliseconds of the delays that were asked for. */
  readonly delays: number[] = [];
  /** Time of the clock, in milliseconds. */
  time = 0;

  constructor() {
    super(() => this.time);
  }

  override schedule(listener: TickListener): void {
    this.#scheduled.add(listener);
  }

  override delay(listener: DelayListener, ms: number): void {
    this.#delayed.add(listener);
    this.delays.push(ms);
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

/** A queue and what drives it. */
export interface TestQueue {
  readonly scheduler: ManualScheduler;
  readonly queue: OutboundQueue<RecordingRecipient>;
  readonly metrics: { readonly deliveries: number };
}

/** Creates a queue with recipients. */
export function createQueue(
  recipients: readonly RecordingRecipient[] = [],
  ephemeralTickMs = 0,
): TestQueue {
  const scheduler = new ManualScheduler();
  const metrics = { deliveries: 0 };
  const queue = new OutboundQueue<RecordingRecipient>([], { scheduler, metrics, ephemeralTickMs });
  for (const recipient of recipients) queue.add(recipient, () => {});
  return { scheduler, queue, metrics };
}

/** A change of the member with a connection. */
export function joined(connection: string, state = "{}"): PresenceChange {
  return { type: "joined", entry: { user: connection.slice(0, 1), connection, state } };
}

/** Sends numbers as messages to all recipients. */
export function sendNumbers(queue: OutboundQueue<RecordingRecipient>, ...numbers: readonly number[]): void {
  for (const number of numbers) queue.message(String(number));
}
