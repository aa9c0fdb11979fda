import {
  BackplaneUnavailable,
  type Message,
  type PresenceChange,
  type RoomEvent,
  type Subscription,
} from "../contract.ts";
import type { Address } from "./address.ts";
import { isReply, type Link } from "./redis_link.ts";
import { Present } from "./redis_presence_list.ts";
import { parseMessage, type Push } from "./redis_records.ts";
import type { RedisServer, RoomLook, RoomStatus } from "./redis_server.ts";

/** How often it is looked again while a room's slot moves. */
const MAX_MOVES = 8;
/** How much may wait while a room is looked at. What is more is read, or was not to be kept. */
const MAX_QUEUED = 10_000;

/** What is known of a room that is subscribed to. */
interface State {
  readonly epoch: string;
  /** The last offset that was delivered. */
  head: number;
  /** How many changes of presence were delivered, or came before. */
  changes: number;
  readonly present: Present;
}

interface Subscriber {
  readonly deliver: (event: RoomEvent) => void;
  isClosed: boolean;
}

/** A room that is subscribed to. Whatever was missed is looked for: nothing is delivered past it. */
export class RoomSubscription {
  readonly address: Address;
  readonly #server: RedisServer;
  readonly #onIdle: () => void;
  readonly #onChange: (change: PresenceChange) => void;
  readonly #onDue: (dueMs: number | undefined) => void;
  readonly #subscribers = new Set<Subscriber>();
  /** Subscriptions that are being made. */
  #expected = 0;
  #state: State | undefined;
  /** Where it is subscribed to. */
  #link: Link | undefined;
  /** While it is looked. */
  #looking: Promise<void> | undefined;
  /** Whether something came up since the last look was sent. */
  #mustLookAgain = false;
  /** What was published and has to wait until what was before it is known. */
  #queue: Push[] = [];
  /** Whether the last look failed. */
  #isStale = false;
  /** Whether something was not published to it that should have been. */
  #isDeaf = false;

  constructor(
    server: RedisServer,
    address: Address,
    told: {
      /** Nobody subscribes any more. */
      readonly onIdle: () => void;
      /** Somebody's presence changed. */
      readonly onChange: (change: PresenceChange) => void;
      /** Somebody may leave after this time, in milliseconds. */
      readonly onDue: (dueMs: number | undefined) => void;
    },
  ) {
    this.#server = server;
    this.address = address;
    this.#onIdle = told.onIdle;
    this.#onChange = told.onChange;
    this.#onDue = told.onDue;
  }

  /** Whether somebody subscribes, or is about to. */
  get isInUse(): boolean {
    return this.#subscribers.size > 0 || this.#expected > 0;
  }

  /** Whether what is known may be out of date. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** The last offset that is known. */
  get head(): number {
    return this.#state?.head ?? 0;
  }

  /** See `Backplane.subscribe`. */
  async subscribe(deliver: (event: RoomEvent) => void): Promise<Subscription> {
    this.#expected++;
    try {
      await this.look();
      const state = this.#state;
      if (!state) throw new BackplaneUnavailable("The room was lost while it was subscribed to.");
      const subscriber: Subscriber = { deliver, isClosed: false };
      this.#subscribers.add(subscriber);
      return {
        epoch: state.epoch,
        head: state.head,
        present: state.present.list(),
        close: () => this.#unsubscribe(subscriber),
      };
    } finally {
      this.#expected--;
      this.#endWhenIdle();
    }
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const subscriber of this.#subscribers) this.#unsubscribe(subscriber);
  }

  /** Takes what was published, in its order. */
  take(push: Push): void {
    if (this.#state && this.#queue.length === 0 && this.#handle(this.#state, push)) return;
    if (!this.#state && !this.#looking) return;
    // What it follows is not known yet.
    this.#queue.push(push);
    if (this.#queue.length > MAX_QUEUED) this.#queue = [];
    if (this.#state) this.lookSoon();
  }

  /** Compares what is known with how the room is; `headBefore` is what was known when it was asked. */
  compare(status: RoomStatus, headBefore: number): void {
    const state = this.#state;
    if (!state || this.#looking) return;
    // A reply may be handled after what was published later: to be ahead of it is nothing.
    const { epoch, head, changes, count } = status;
    const isSame = epoch === state.epoch && head >= headBefore && head <= state.head &&
      changes <= state.changes && (changes < state.changes || count === state.present.count);
    if (!isSame) this.#listenAnew();
  }

  /** Compares what was delivered with what calls were told, which never is ahead of it. */
  compareHead({ epoch, head }: Pick<RoomStatus, "epoch" | "head">): void {
    const state = this.#state;
    if (state && !this.#looking && (epoch !== state.epoch || head > state.head)) this.#listenAnew();
  }

  /**
   * Redis ends subscriptions when a slot goes, and @redis/client 6.3.1 passes that over while any command waits for its answer: it would
   * take the channel for subscribed to for ever.
   */
  #listenAnew(): void {
    this.#isDeaf = true;
    this.lookSoon();
  }

  /** Looks without somebody waiting for it. */
  lookSoon(): void {
    this.look().catch((error: unknown) => {
      if (!(error instanceof BackplaneUnavailable)) this.#server.settings.onEvent({ type: "failed", error });
    });
  }

  /**
   * Subscribes to the room's channel when it is not, and reads what is new since it was known. Resolves when all that had happened
   * at the call has been delivered.
   * @throws {BackplaneUnavailable} as a rejection
   */
  look(): Promise<void> {
    this.#mustLookAgain = true;
    return this.#looking ??= this.#lookAll();
  }

  async #lookAll(): Promise<void> {
    try {
      while (this.#mustLookAgain) {
        this.#mustLookAgain = false;
        await this.#lookOnce();
      }
      this.#isStale = false;
    } catch (error) {
      this.#isStale = true;
      throw error;
    } finally {
      this.#looking = undefined;
      // Only after a failure: meanwhile the connection may have come back.
      if (this.#mustLookAgain && this.isInUse) this.lookSoon();
      this.#endWhenIdle();
    }
  }

  async #lookOnce(): Promise<void> {
    for (let moves = 0; moves < MAX_MOVES; moves++) {
      const link = await this.#server.link(this.address);
      if (this.#isDeaf) link.unsubscribe(this.address.channel);
      this.#isDeaf = false;
      // Both go at once, and the subscription first: what comes after the look is published to it.
      const subscribing = link.subscribe(this.address.channel);
      subscribing.catch(() => {/* told below */});
      const lastQueued = this.#queue.at(-1);
      const look = await this.#server.look(this.address, this.#known());
      try {
        await subscribing;
      } catch (error) {
        if (!isReply(error, "MOVED")) throw error;
        await this.#server.nodes.refresh();
        continue;
      }
      const isThere = this.#server.nodes.linkOf(this.address.slot) === link &&
        link.isSubscribed(this.address.channel);
      if (!isThere) continue;
      // The slot may come back to it, and is to be subscribed to then.
      if (this.#link !== link) this.#link?.unsubscribe(this.address.channel);
      this.#link = link;
      if (this.isInUse) this.#apply(look, lastQueued);
      return;
    }
    throw new BackplaneUnavailable("The room's slot moves.");
  }

  #known() {
    const state = this.#state;
    if (!state) return undefined;
    return { epoch: state.epoch, after: state.head, changes: state.changes, count: state.present.count };
  }

  /** Takes in what was seen, and what had to wait for it up to `lastQueued` and after it. */
  #apply(look: RoomLook, lastQueued: Push | undefined): void {
    this.#onDue(look.dueMs);
    if (this.#state && look.epoch !== this.#state.epoch) this.#reset();
    if (this.#state) {
      this.#catchUp(this.#state, look);
    } else if (look.present) {
      const { epoch, head, changes } = look;
      this.#state = { epoch, head, changes, present: new Present(look.present) };
    } else {
      this.#mustLookAgain = true;
      return;
    }
    let wasBefore = lastQueued !== undefined && this.#queue.includes(lastQueued);
    while (this.#queue.length > 0) {
      const [push] = this.#queue;
      // Another epoch's is over when it came before the look; when it came later it is to be looked at.
      const isOver = wasBefore && push && "epoch" in push && push.epoch !== this.#state.epoch;
      if (push && !isOver && !this.#handle(this.#state, push)) {
        this.#mustLookAgain = true;
        return;
      }
      if (push === lastQueued) wasBefore = false;
      this.#queue.shift();
    }
    if (this.#state.head < look.head) this.#mustLookAgain = true;
  }

  #catchUp(state: State, look: RoomLook): void {
    const queued = this.#queue.find((push) => push.type === "messages" && push.epoch === state.epoch);
    const oldest = queued?.type === "messages" ? queued.messages[0]?.offset : undefined;
    const first = Math.min(look.first, oldest ?? Infinity);
    if (first > state.head + 1) {
      this.#deliver({ type: "gap", from: state.head + 1, to: first - 1 });
      state.head = first - 1;
    }
    this.#message(state, look.messages.map(parseMessage));
    // What was seen may be older than what was published since.
    if (look.changes < state.changes) return;
    for (const change of look.present ? state.present.changesTo(look.present) : []) {
      this.#change(state, change);
    }
    state.changes = look.changes;
  }

  /** Delivers what was published. False when something before it is missing. */
  #handle(state: State, push: Push): boolean {
    if (push.type === "due") {
      this.#onDue(push.afterMs);
      return true;
    }
    if (push.type === "ephemeral") {
      this.#deliver({ type: "ephemeral", message: push.message });
      return true;
    }
    if (push.epoch !== state.epoch) return false;
    if (push.type === "messages") return this.#message(state, push.messages);
    if (push.version > state.changes + 1) return false;
    if (push.version <= state.changes) return true;
    state.changes = push.version;
    this.#change(state, push.change);
    return true;
  }

  /** Delivers those that are new. False when some before them are missing. */
  #message(state: State, messages: readonly Message[]): boolean {
    const fresh = messages.filter(({ offset }) => offset > state.head);
    const [first, last] = [fresh[0], fresh.at(-1)];
    if (!first || !last) {
      // The server goes back to what was when it has lost its last messages. While it is looked nothing is wrong with it.
      if (!this.#looking) this.lookSoon();
      return true;
    }
    if (first.offset > state.head + 1) return false;
    state.head = last.offset;
    this.#deliver({ type: "messages", messages: fresh });
    return true;
  }

  #change(state: State, change: PresenceChange): void {
    state.present.apply(change);
    this.#onChange(change);
    this.#deliver({ type: "presence", change });
  }

  #reset(): void {
    this.#state = undefined;
    this.#deliver({ type: "reset" });
    for (const subscriber of this.#subscribers) subscriber.isClosed = true;
    this.#subscribers.clear();
  }

  #deliver(event: RoomEvent): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.isClosed) continue;
      try {
        subscriber.deliver(event);
      } catch (error) {
        this.#server.settings.onDeliverError(error);
      }
    }
  }

  #unsubscribe(subscriber: Subscriber): void {
    subscriber.isClosed = true;
    if (this.#subscribers.delete(subscriber)) this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.isInUse || this.#looking) return;
    this.#state = undefined;
    this.#queue = [];
    this.#isStale = false;
    this.#link?.unsubscribe(this.address.channel);
    this.#link = undefined;
    this.#onIdle();
  }
}
