import type { ClientFrame } from "../../packages/protocol/frames.ts";
import type { Backplane, Message, Stored } from "../../packages/server/src/backplane/contract.ts";
import { Metrics } from "../../packages/server/src/observability/metrics.ts";
import { type ErrorFrame, errorFrame } from "../../packages/protocol/error_codes.ts";
import { EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { messageText } from "../../packages/server/src/rooms/outbound/frame_text.ts";
import { type AskHook, Publisher } from "../../packages/server/src/rooms/inbound/publisher.ts";
import { RecentMessages } from "../../packages/server/src/rooms/outbound/recent_messages.ts";
import type { Log } from "../../packages/server/src/observability/log.ts";
import type { ManualClock } from "../client/manual_clock.ts";
import { ControlledStore } from "../support/controlled_store.ts";

/** Event that a model client may receive. */
export type ServerEvent =
  | { readonly type: "ack"; readonly id: string; readonly offset: number }
  | ErrorFrame
  | { readonly type: "message"; readonly message: Message };

/** One room's messages, shared by all isolates; each learns of them with its own lag. */
export class RoomLog {
  readonly messages: Message[] = [];
  readonly #clock: ManualClock;
  readonly #followers: ((message: Message) => void)[] = [];

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** Subscribes to each message from now on. */
  follow(onStored: (message: Message) => void): void {
    this.#followers.push(onStored);
  }

  /** Stores each message once per user and id. */
  readonly publish: Backplane["publish"] = (_, drafts) => {
    const stored = drafts.map((draft): Stored => {
      const known = this.messages.find(({ id, from }) => id === draft.id && from.user === draft.from.user);
      if (known) return { offset: known.offset, duplicate: true };
      const message = { ...draft, offset: this.messages.length + 1, at: this.#clock.now() };
      this.messages.push(message);
      for (const follower of this.#followers) follower(message);
      return { offset: message.offset, duplicate: false };
    });
    return Promise.resolve(stored);
  };
}

/** Parameters of a model isolate. */
export interface IsolateOptions {
  readonly clock: ManualClock;
  readonly log: RoomLog;
  /** Delay until the isolate learns of a stored message, in milliseconds. */
  readonly lagMs: number;
  readonly maxPendingPublishes: number;
  /** Hook before a message is stored; a rejection fails that attempt. */
  readonly hook?: (() => Promise<void>) | undefined;
}

/** Isolate with one room, whose store the test controls. */
export class ModelIsolate {
  readonly options: IsolateOptions;
  readonly store: ControlledStore;
  readonly recent: RecentMessages;
  /** Messages delivered in this isolate. */
  readonly delivered: Message[] = [];
  readonly members = new Set<ModelConnection>();

  constructor(options: IsolateOptions) {
    const { clock, log, lagMs } = options;
    this.options = options;
    this.store = new ControlledStore(log);
    this.recent = new RecentMessages(0, { messages: 1_000, ageMs: Infinity, now: () => clock.now() });
    log.follow((message) => clock.setTimer(() => this.#take(message), lagMs));
  }

  #take(message: Message): void {
    this.delivered.push(message);
    this.recent.add(messageText(message), message.at);
    for (const member of this.members) member.deliver({ type: "message", message });
  }
}

/** Log of failed hooks, which nobody reads. A real one would leave its timers behind. */
const NO_LOG: Log = { debug() {}, info() {}, warn() {}, error() {}, close() {} };

let connections = 0;

/**
 * Connection with latency: frames arrive in order; the server's frames are lost once it is broken.
 */
export class ModelConnection {
  readonly isolate: ModelIsolate;
  readonly #latencyMs: number;
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #publisher: Publisher;
  #isBroken = false;

  constructor(isolate: ModelIsolate, user: string, latencyMs: number, onEvent: (event: ServerEvent) => void) {
    const { clock, maxPendingPublishes, hook } = isolate.options;
    const askHook: AskHook | undefined = hook && (async (message) => {
      await hook();
      return message;
    });
    this.isolate = isolate;
    this.#latencyMs = latencyMs;
    this.#onEvent = onEvent;
    const member = {
      user: { id: user },
      connection: `c-${++connections}`,
      permissions: EVERYTHING,
      room: isolate,
      reply: (text: string) => this.deliver(JSON.parse(text)),
      error: (...error: Parameters<typeof errorFrame>) => this.deliver(errorFrame(...error)),
      exclude: () => undefined,
      ackExcluded: () => {},
      failed: (_: unknown, id: string | undefined) => this.deliver(errorFrame("unavailable", { id })),
    };
    const backplane = { publish: isolate.store.publish, emit: () => Promise.resolve() };
    const deps = {
      backplane,
      metrics: new Metrics(),
      now: () => clock.now(),
      wallNow: () => clock.now(),
      maxPendingPublishes,
      log: NO_LOG,
    };
    this.#publisher = new Publisher(member, { key: "r", events: undefined }, deps, askHook);
    isolate.members.add(this);
  }

  /** Sends the client's frames. They arrive even if the connection breaks. */
  send(frames: readonly ClientFrame[]): void {
    this.isolate.options.clock.setTimer(() => {
      for (const frame of frames) if (frame.type === "publish") this.#publisher.publish(frame, 0);
    }, this.#latencyMs);
  }

  /** Delivers an event of the server. */
  deliver(event: ServerEvent): void {
    this.isolate.options.clock.setTimer(() => {
      if (!this.#isBroken) this.#onEvent(event);
    }, this.#latencyMs);
  }

  /** Breaks the connection: no later event of the server arrives. */
  break(): void {
    this.#isBroken = true;
    this.isolate.members.delete(this);
  }
}
