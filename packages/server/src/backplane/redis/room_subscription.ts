import {
  BackplaneUnavailable,
  type Message,
  type PresenceChange,
  type RoomEvent,
  type Subscription,
} from "../contract.ts";
import type { Address } from "./address.ts";
import { isReply, type Link } from "./redis_link.ts";
import { PresenceList } from "./redis_presence_list.ts";
import { parseMessage, type Push } from "./redis_records.ts";
import { type Subscriber, Subscribers } from "../subscribers.ts";
import type { RedisServer, RoomPosition, RoomStatus, RoomUpdate } from "./redis_server.ts";

/** Maximum re-reads while a cluster slot is migrating. */
const MAX_MOVES = 8;
/**
 * Maximum number of queued messages during a refresh. Beyond it the queue is dropped: the next read
 * brings durable messages and presence, and ephemeral messages may be lost.
 */
const MAX_QUEUED = 10_000;

/** Delivered state of a subscribed room. */
interface DeliveredState {
  readonly epoch: string;
  /** Last delivered offset. */
  head: number;
  /** Version of the last delivered presence change. */
  changes: number;
  readonly present: PresenceList;
}

/**
 * A subscription to one room's channel. The subscription reads missed messages and changes from
 * Redis before it delivers later ones.
 */
export class RoomSubscription {
  readonly address: Address;
  readonly #server: RedisServer;
  readonly #onIdle: () => void;
  readonly #onChange: (change: PresenceChange) => void;
  readonly #onDue: (dueMs: number | undefined) => void;
  readonly #subscribers: Subscribers;
  /** Number of running `subscribe` calls. */
  #pendingSubscribes = 0;
  #state: DeliveredState | undefined;
  /** Server that holds the channel's subscription. */
  #link: Link | undefined;
  /** Refresh in progress. */
  #refreshing: Promise<void> | undefined;
  /** True if the room has to be read again after the current read. */
  #refreshAgain = false;
  /** Messages of the channel that wait for earlier ones. */
  #queue: Push[] = [];
  /** True if the last refresh failed. */
  #isStale = false;
  /** True if a publish did not reach this subscription. */
  #missedPublish = false;

  constructor(
    server: RedisServer,
    address: Address,
    listener: {
      /** The last subscriber has left. */
      readonly onIdle: () => void;
      /** A presence change was delivered. */
      readonly onChange: (change: PresenceChange) => void;
      /** A grace period or a lease may end after this time, in milliseconds. */
      readonly onDue: (dueMs: number | undefined) => void;
    },
  ) {
    this.#server = server;
    this.#subscribers = new Subscribers(server.options.onDeliverError);
    this.address = address;
    this.#onIdle = listener.onIdle;
    this.#onChange = listener.onChange;
    this.#onDue = listener.onDue;
  }

  /** True if the room has a subscriber, or is about to get one. */
  get isInUse(): boolean {
    return this.#subscribers.size > 0 || this.#pendingSubscribes > 0;
  }

  /** True if the delivered state may be out of date, because the last refresh failed. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Last delivered offset; 0 without a subscription. */
  get head(): number {
    return this.#state?.head ?? 0;
  }

  /** See `Backplane.subscribe`. */
  async subscribe(deliver: (event: RoomEvent) => void): Promise<Subscription> {
    this.#pendingSubscribes++;
    try {
      await this.refresh();
      const state = this.#state;
      if (!state) {
        throw new BackplaneUnavailable("The room was reset while it was subscribed to. Subscribe again.");
      }
      const subscriber: Subscriber = { deliver };
      this.#subscribers.add(subscriber);
      return {
        epoch: state.epoch,
        head: state.head,
        present: state.present.list(),
        close: () => this.#unsubscribe(subscriber),
      };
    } finally {
      this.#pendingSubscribes--;
      this.#endWhenIdle();
    }
  }

  /** Ends all subscriptions. */
  close(): void {
    if (this.#subscribers.size === 0) return;
    this.#subscribers.clear();
    this.#endWhenIdle();
  }

  /** Receives a message of the channel, in the order of publishing. */
  receive(push: Push): void {
    if (this.#state && this.#queue.length === 0 && this.#handle(this.#state, push)) return;
    if (!this.#state && !this.#refreshing) return;
    // An earlier message is missing, so this one waits for the next read.
    this.#queue.push(push);
    if (this.#queue.length > MAX_QUEUED) this.#queue = [];
    if (this.#state) this.refreshInBackground();
  }

  /**
   * Compares the delivered state with the room; `headBefore` is the delivered head at the request.
   */
  compare(status: RoomStatus, headBefore: number): void {
    const state = this.#state;
    if (!state || this.#refreshing) return;
    // The delivered state may be ahead: later messages may be handled before an earlier reply.
    const { epoch, head, changes, count } = status;
    const isSame = epoch === state.epoch && head >= headBefore && head <= state.head &&
      changes <= state.changes && (changes < state.changes || count === state.present.count);
    if (!isSame) this.#resubscribe();
  }

  /** Compares the delivered head with the head that replies of other calls contained. */
  compareHead({ epoch, head }: Pick<RoomStatus, "epoch" | "head">): void {
    const state = this.#state;
    if (state && !this.#refreshing && (epoch !== state.epoch || head > state.head)) {
      this.#resubscribe();
    }
  }

  /**
   * Subscribes again. Redis ends subscriptions when a slot leaves the server. @redis/client 6.3.1
   * ignores this while a command is pending, and would consider the channel subscribed forever.
   */
  #resubscribe(): void {
    this.#missedPublish = true;
    this.refreshInBackground();
  }

  /** Starts a refresh, and reports its unexpected errors. */
  refreshInBackground(): void {
    this.refresh().catch((error: unknown) => {
      if (!(error instanceof BackplaneUnavailable)) this.#server.options.onEvent({ type: "failed", error });
    });
  }

  /**
   * Subscribes to the room's channel if necessary, and reads the news since the delivered state.
   * Resolves once everything that happened before the call is delivered.
   * @throws {BackplaneUnavailable} as a rejection
   */
  refresh(): Promise<void> {
    this.#refreshAgain = true;
    return this.#refreshing ??= this.#refreshUntilCurrent();
  }

  async #refreshUntilCurrent(): Promise<void> {
    try {
      while (this.#refreshAgain) {
        this.#refreshAgain = false;
        await this.#refreshOnce();
      }
      this.#isStale = false;
    } catch (error) {
      this.#isStale = true;
      throw error;
    } finally {
      this.#refreshing = undefined;
      // True only after a failure; the connection may be back by now.
      if (this.#refreshAgain && this.isInUse) this.refreshInBackground();
      this.#endWhenIdle();
    }
  }

  async #refreshOnce(): Promise<void> {
    for (let moves = 0; moves < MAX_MOVES; moves++) {
      const link = await this.#server.calls.link(this.address);
      const read = await link.reads.run(() => this.#subscribeAndRead(link));
      if (!read) continue;
      const isCurrent = this.#server.nodes.linkOf(this.address.slot) === link &&
        link.isSubscribed(this.address.channel);
      if (!isCurrent) continue;
      // The slot may return to the old server later, which then needs a new subscription.
      if (this.#link !== link) this.#link?.unsubscribe(this.address.channel);
      this.#link = link;
      if (this.isInUse) this.#apply(read.update, read.lastQueued);
      return;
    }
    throw new BackplaneUnavailable("The cluster slot of the room is migrating. Retry shortly.");
  }

  /** Subscribes to the channel, and then reads the news. Undefined if the slot has moved. */
  async #subscribeAndRead(
    link: Link,
  ): Promise<{ readonly update: RoomUpdate; readonly lastQueued: Push | undefined } | undefined> {
    if (this.#missedPublish) link.unsubscribe(this.address.channel);
    this.#missedPublish = false;
    // The subscription is sent before the read, so the channel brings everything after the read.
    const subscribing = link.subscribe(this.address.channel);
    subscribing.catch(() => {/* awaited below */});
    const lastQueued = this.#queue.at(-1);
    const update = await this.#server.refresh(this.address, this.#position());
    try {
      await subscribing;
    } catch (error) {
      if (!isReply(error, "MOVED")) throw error;
      await this.#server.nodes.refresh();
      return undefined;
    }
    return { update, lastQueued };
  }

  #position(): RoomPosition | undefined {
    const state = this.#state;
    if (!state) return undefined;
    return { epoch: state.epoch, after: state.head, changes: state.changes, count: state.present.count };
  }

  /**
   * Applies a read, and then the queued messages. Messages up to `lastQueued` were queued before
   * the read.
   */
  #apply(update: RoomUpdate, lastQueued: Push | undefined): void {
    this.#onDue(update.dueMs);
    if (this.#state && update.epoch !== this.#state.epoch) this.#reset();
    if (this.#state) {
      this.#catchUp(this.#state, update);
    } else if (update.present) {
      const { epoch, head, changes } = update;
      this.#state = { epoch, head, changes, present: new PresenceList(update.present) };
    } else {
      this.#refreshAgain = true;
      return;
    }
    let wasBefore = lastQueued !== undefined && this.#queue.includes(lastQueued);
    while (this.#queue.length > 0) {
      const [push] = this.#queue;
      // A message of another epoch is obsolete if it was queued before the read. If it was queued
      // later, the room has to be read again.
      const isObsolete = wasBefore && push && "epoch" in push && push.epoch !== this.#state.epoch;
      if (push && !isObsolete && !this.#handle(this.#state, push)) {
        this.#refreshAgain = true;
        return;
      }
      if (push === lastQueued) wasBefore = false;
      this.#queue.shift();
    }
    if (this.#state.head < update.head) this.#refreshAgain = true;
  }

  #catchUp(state: DeliveredState, update: RoomUpdate): void {
    const queued = this.#queue.find((push) => push.type === "messages" && push.epoch === state.epoch);
    const oldest = queued?.type === "messages" ? queued.messages[0]?.offset : undefined;
    const first = Math.min(update.first, oldest ?? Infinity);
    if (first > state.head + 1) {
      this.#subscribers.deliver({ type: "gap", from: state.head + 1, to: first - 1 });
      state.head = first - 1;
    }
    this.#deliverMessages(state, update.messages.map(parseMessage));
    // The channel may have brought later changes already.
    if (update.changes < state.changes) return;
    for (const change of update.present ? state.present.diff(update.present) : []) {
      this.#deliverChange(state, change);
    }
    state.changes = update.changes;
  }

  /** Delivers a message of the channel. Returns false if an earlier one is missing. */
  #handle(state: DeliveredState, push: Push): boolean {
    if (push.type === "due") {
      this.#onDue(push.afterMs);
      return true;
    }
    if (push.type === "ephemeral") {
      this.#subscribers.deliver({ type: "ephemeral", message: push.message });
      return true;
    }
    if (push.epoch !== state.epoch) return false;
    if (push.type === "messages") return this.#deliverMessages(state, push.messages);
    if (push.version > state.changes + 1) return false;
    if (push.version <= state.changes) return true;
    state.changes = push.version;
    this.#deliverChange(state, push.change);
    return true;
  }

  /** Delivers the new ones of the messages. Returns false if earlier messages are missing. */
  #deliverMessages(state: DeliveredState, messages: readonly Message[]): boolean {
    const fresh = messages.filter(({ offset }) => offset > state.head);
    const [first, last] = [fresh[0], fresh.at(-1)];
    if (!first || !last) {
      // A repeated offset outside a refresh may mean that Redis lost its last messages: read again.
      if (!this.#refreshing) this.refreshInBackground();
      return true;
    }
    if (first.offset > state.head + 1) return false;
    state.head = last.offset;
    this.#subscribers.deliver({ type: "messages", messages: fresh });
    return true;
  }

  #deliverChange(state: DeliveredState, change: PresenceChange): void {
    state.present.apply(change);
    this.#onChange(change);
    this.#subscribers.deliver({ type: "presence", change });
  }

  #reset(): void {
    this.#state = undefined;
    this.#subscribers.deliver({ type: "reset" });
    this.#subscribers.clear();
  }

  #unsubscribe(subscriber: Subscriber): void {
    if (this.#subscribers.delete(subscriber)) this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.isInUse || this.#refreshing) return;
    this.#state = undefined;
    this.#queue = [];
    this.#isStale = false;
    this.#link?.unsubscribe(this.address.channel);
    this.#link = undefined;
    this.#onIdle();
  }
}
