import type { MonotonicClock } from "../clocks.ts";
import type { Ephemeral, Message, PresenceChange, RoomEvent, Subscription } from "../backplane/contract.ts";
import type { Metrics } from "../observability/metrics.ts";
import { isExclusionNotice } from "./exclusion_notice.ts";
import { type ExcludedSender, ExcludedSenders } from "./outbound/excluded_senders.ts";
import { FanOut, type FrameKind } from "./outbound/fan_out.ts";
import { excludedAckText, messageText } from "./outbound/frame_text.ts";
import type { Member, RoomOutput } from "./member.ts";
import { PresenceBroadcast } from "./outbound/presence_broadcast.ts";
import { PresenceThrottle } from "./outbound/presence_throttle.ts";
import { RecentMessages } from "./outbound/recent_messages.ts";
import type { RoomDeps } from "./room_deps.ts";
import { withinTime } from "./server_code/within_time.ts";
import type { FlushScheduler, TickListener } from "./outbound/flush_scheduler.ts";

/** Pending presence changes above this length are broadcast at once, so that frames stay small. */
const MAX_PRESENCE_LENGTH = 65_536;

/** A frame for one member that comes after the pending presence changes. */
interface PendingReply {
  readonly member: Member;
  readonly text: string;
  readonly kind: FrameKind;
}

/** One room in this isolate: one subscription to the backplane, however many members. */
export class Room implements RoomOutput, TickListener {
  readonly key: string;
  readonly recent: RecentMessages;
  readonly #fanOut: FanOut<Member>;
  /** Live members by connection. */
  readonly #members = new Map<string, Member>();
  readonly #excluded: ExcludedSenders<Member>;
  readonly #metrics: Metrics;
  readonly #subscription: Subscription;
  readonly #presence: PresenceBroadcast;
  readonly #presenceThrottle = new PresenceThrottle();
  readonly #now: MonotonicClock;
  readonly #scheduler: FlushScheduler;
  /** Timer of the next presence broadcast; set while the throttle delays it. */
  #presenceTimer: ReturnType<typeof setTimeout> | undefined;
  #pendingReplies: PendingReply[] = [];
  /** Joins that wait for messages. */
  readonly #waiting = new Set<{ readonly offset: number; readonly resolve: () => void }>();
  readonly #onReset: () => void;
  #isLost = false;
  #lastAt: number | undefined;

  private constructor(key: string, deps: RoomDeps, subscription: Subscription, onReset: () => void) {
    this.key = key;
    this.#subscription = subscription;
    this.#onReset = onReset;
    this.#fanOut = new FanOut(deps.scheduler);
    this.#excluded = new ExcludedSenders(deps.now);
    this.#metrics = deps.metrics;
    this.#now = deps.now;
    this.#scheduler = deps.scheduler;
    this.recent = new RecentMessages(subscription.head, {
      messages: deps.limits.history_messages,
      ageMs: deps.limits.history_seconds * 1000,
      now: deps.now,
    });
    this.#presence = new PresenceBroadcast(subscription.present);
  }

  /**
   * Subscribes to a room. `onReset` is called when its history was lost; the room is useless then.
   * @throws {BackplaneUnavailable} as a rejection
   */
  static async open(key: string, deps: RoomDeps, onReset: () => void): Promise<Room> {
    // Events that arrive before `subscribe` resolves wait until it does.
    const early: RoomEvent[] = [];
    let take = (event: RoomEvent): void => void early.push(event);
    const subscription = await deps.backplane.subscribe(key, (event) => take(event));
    const room = new Room(key, deps, subscription, onReset);
    take = (event) => room.#take(event);
    early.forEach(take);
    return room;
  }

  /** Time of the last message since the subscription; undefined without one. */
  get lastAt(): number | undefined {
    return this.#lastAt;
  }

  get epoch(): string {
    return this.#subscription.epoch;
  }

  /** True if the room's history was lost: it delivers nothing more. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * The `presence` frame with everybody, as last broadcast; pending changes follow for all members.
   */
  presenceText(): string {
    return this.#presence.listText;
  }

  /**
   * Resolves once the room has messages up to an offset, its history was lost, or it closed.
   * @throws {TookTooLong} as a rejection
   */
  async reached(offset: number, timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { offset, resolve };
    this.#waiting.add(waiting);
    this.#wake();
    try {
      await withinTime(promise, timeoutMs);
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /** Makes a member live: `sendRest` brings it up to date, and from then on it gets everything. */
  add(member: Member, sendRest: () => void): void {
    // Without a delayed broadcast the list is brought up to date, so that it has a resuming
    // member's entry. During a delay each joining member would rebuild the list for nothing.
    if (this.#presenceTimer === undefined) this.#broadcastPresence();
    this.#fanOut.flush();
    sendRest();
    this.#fanOut.add(member);
    this.#members.set(member.connection, member);
  }

  /** Removes a member; removing it twice does nothing. */
  delete(member: Member): void {
    this.#fanOut.delete(member);
    this.#members.delete(member.connection);
    if (this.#excluded.size > 0) this.#excluded.deleteAllOf(member);
  }

  /** The live member with this connection. */
  member(connection: string): Member | undefined {
    return this.#members.get(connection);
  }

  /** Excludes a member from the delivery of its own message. Call it before the publish. */
  exclude(member: Member, id: string): ExcludedSender<Member> {
    return this.#excluded.add(member.user.id, id, member);
  }

  /** Records that an excluded sender's message is stored at an offset. */
  stored(note: ExcludedSender<Member>, offset: number): void {
    // A repeated publish: the message came before, or its sender joined after it.
    if (offset <= this.recent.head) this.#excluded.delete(note);
  }

  /** Sends a frame to one member, in order with the frames for all. */
  reply(member: Member, text: string): void {
    this.#toOne(member, text, "reply");
  }

  /** Sends everything that is pending. */
  flush(): void {
    this.#broadcastPresence();
    this.#fanOut.flush();
  }

  tickSettled(): void {
    this.#broadcastPresence();
  }

  /** Ends the subscription. */
  close(): void {
    clearTimeout(this.#presenceTimer);
    this.#presenceTimer = undefined;
    this.#subscription.close();
    for (const { resolve } of this.#waiting) resolve();
  }

  #take(event: RoomEvent): void {
    switch (event.type) {
      case "messages": {
        const receivedAt = this.#now();
        for (const message of event.messages) {
          const text = messageText(message);
          this.recent.add(text, receivedAt);
          this.#lastAt = message.at;
          if (this.#excluded.size > 0) this.#toOthers(message, text);
          else this.#toAll(text, "message");
        }
        return this.#wake();
      }
      case "ephemeral":
        return this.#relay(event.message);
      case "presence":
        return this.#takeChange(event.change);
      case "gap": {
        const { from, to } = event;
        this.recent.skipTo(to);
        this.#wake();
        return this.#toAll(JSON.stringify({ type: "gap", from, to, epoch: this.epoch }), "message");
      }
      case "reset":
        this.#isLost = true;
        this.#onReset();
        for (const member of this.#members.values()) member.roomLost();
        return this.#wake();
      default:
        event satisfies never;
    }
  }

  /** Resolves what waits for messages that are here now. */
  #wake(): void {
    if (this.#waiting.size === 0) return;
    const head = this.#isLost ? Infinity : this.recent.head;
    for (const { offset, resolve } of this.#waiting) if (offset <= head) resolve();
  }

  /** A single change is broadcast at the end of the tick; changes of a crowd are throttled. */
  #takeChange(change: PresenceChange): void {
    this.#presence.add(change);
    this.#members.get(change.entry.connection)?.presence.settled();
    if (change.type === "updated" && change.previous !== undefined) {
      this.#members.get(change.previous)?.presence.takenOver(change.entry.state);
    }
    const waitMs = this.#presenceThrottle.waitMs(this.#fanOut.size, this.#now());
    if (this.#presence.length > MAX_PRESENCE_LENGTH) this.#broadcastPresence();
    else if (waitMs === 0) this.#scheduler.schedule(this);
    else this.#presenceTimer ??= setTimeout(() => this.#broadcastPresence(), waitMs);
  }

  /** Broadcasts the pending presence changes, and sends the replies behind them. */
  #broadcastPresence(): void {
    if (this.#presence.length === 0) return;
    clearTimeout(this.#presenceTimer);
    this.#presenceTimer = undefined;
    this.#presenceThrottle.broadcast(this.#now());
    for (const text of this.#presence.flush()) this.#send(text, "presence");
    const replies = this.#pendingReplies;
    this.#pendingReplies = [];
    for (const { member, text, kind } of replies) {
      if (this.#fanOut.has(member)) this.#fanOut.toOne(member, text, kind);
    }
  }

  #toAll(text: string, kind: FrameKind, except?: Member): void {
    this.#broadcastPresence();
    this.#send(text, kind, except);
  }

  /** Sends a message; an excluded sender gets the ack in its place. */
  #toOthers({ from, id, offset }: Message, text: string): void {
    const note = this.#excluded.take(from.user, id);
    this.#toAll(text, "message", note?.sender);
    if (!note || note.isAcked) return;
    note.isAcked = true;
    this.#toOne(note.sender, excludedAckText(id, offset), "reply");
  }

  #toOne(member: Member, text: string, kind: FrameKind): void {
    if (this.#presence.length > 0) this.#pendingReplies.push({ member, text, kind });
    else this.#fanOut.toOne(member, text, kind);
  }

  #send(text: string, kind: FrameKind, except?: Member): void {
    this.#metrics.deliveries += this.#fanOut.size - (except ? 1 : 0);
    this.#fanOut.toAll(text, kind, except);
  }

  #relay(message: Ephemeral): void {
    if (isExclusionNotice(message)) return this.#takeNotice(message);
    const { to, from, exclude } = message;
    this.#lastAt = message.at;
    const text = messageText(message);
    const except = this.#ownMember(from.user, exclude);
    if (to === undefined) return this.#toAll(text, "ephemeral", except);
    for (const member of this.#addressees(to)) {
      if (member === except) continue;
      this.#metrics.deliveries += 1;
      this.#toOne(member, text, "ephemeral");
    }
  }

  /** Excludes a member from a message that its user publishes over HTTP on another isolate. */
  #takeNotice({ id, from }: Ephemeral): void {
    const member = this.#ownMember(from.user, from.connection);
    if (member) this.exclude(member, id);
  }

  /** The member with a connection, if it is the user's. */
  #ownMember(user: string, connection: string | undefined): Member | undefined {
    const member = connection === undefined ? undefined : this.#members.get(connection);
    return member?.user.id === user ? member : undefined;
  }

  #addressees(to: NonNullable<Ephemeral["to"]>): readonly Member[] {
    if ("user" in to) return [...this.#members.values()].filter(({ user }) => user.id === to.user);
    const member = this.#members.get(to.connection);
    return member ? [member] : [];
  }
}
