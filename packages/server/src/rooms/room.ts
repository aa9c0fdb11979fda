import type { MonotonicClock } from "../clocks.ts";
import type { Ephemeral, Message, PresenceChange, RoomEvent, Subscription } from "../backplane/contract.ts";
import { isExclusionNotice } from "./exclusion_notice.ts";
import type { MemberPresence } from "./member_presence.ts";
import { type ExcludedSender, ExcludedSenders } from "./outbound/excluded_senders.ts";
import { excludedAckText, messageText } from "./outbound/frame_text.ts";
import { OutboundQueue, type OutboundQueueDeps } from "./outbound/outbound_queue.ts";
import { RecentMessages } from "./outbound/recent_messages.ts";
import type { Recipient } from "./outbound/recipient.ts";
import type { RoomDeps } from "./room_deps.ts";
import { withinTime } from "./server_code/within_time.ts";

/** A member, as its room sees it. */
export interface RoomMember extends Recipient {
  readonly connection: string;
  readonly user: { readonly id: string };
  readonly presence: Pick<MemberPresence, "settled" | "takenOver">;
  /** Ends the membership: the room's history was lost. */
  roomLost(): void;
}

/** Dependencies of a room. */
export interface OpenRoomDeps extends OutboundQueueDeps, Pick<RoomDeps, "now"> {
  readonly backplane: Pick<RoomDeps["backplane"], "subscribe">;
  readonly limits: Pick<RoomDeps["limits"], "history_messages" | "history_seconds">;
}

/** One room in this isolate: one subscription to the backplane, however many members. */
export class Room {
  readonly key: string;
  readonly recent: RecentMessages;
  readonly #queue: OutboundQueue<RoomMember>;
  /** Live members by connection. */
  readonly #members = new Map<string, RoomMember>();
  readonly #excluded: ExcludedSenders<RoomMember>;
  readonly #subscription: Subscription;
  readonly #now: MonotonicClock;
  /** Joins that wait for messages. */
  readonly #waiting = new Set<{ readonly offset: number; readonly resolve: () => void }>();
  readonly #onReset: () => void;
  #isLost = false;
  #lastAt: number | undefined;

  private constructor(key: string, deps: OpenRoomDeps, subscription: Subscription, onReset: () => void) {
    this.key = key;
    this.#subscription = subscription;
    this.#onReset = onReset;
    this.#queue = new OutboundQueue(subscription.present, deps);
    this.#excluded = new ExcludedSenders(deps.now);
    this.#now = deps.now;
    this.recent = new RecentMessages(subscription.head, {
      messages: deps.limits.history_messages,
      ageMs: deps.limits.history_seconds * 1000,
      now: deps.now,
    });
  }

  /**
   * Subscribes to a room. `onReset` is called when its history was lost; the room is useless then.
   * @throws {BackplaneUnavailable} as a rejection
   */
  static async open(key: string, deps: OpenRoomDeps, onReset: () => void): Promise<Room> {
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

  /** The `presence` frame with everybody, for a joining member: pending changes follow it. */
  get presenceText(): string {
    return this.#queue.presenceText;
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
  add(member: RoomMember, sendRest: () => void): void {
    this.#queue.add(member, sendRest);
    this.#members.set(member.connection, member);
  }

  /** Removes a member; removing it twice does nothing. */
  delete(member: RoomMember): void {
    this.#queue.delete(member);
    this.#members.delete(member.connection);
    if (this.#excluded.size > 0) this.#excluded.deleteAllOf(member);
  }

  /** The live member with this connection. */
  member(connection: string): RoomMember | undefined {
    return this.#members.get(connection);
  }

  /** Excludes a member from the delivery of its own message. Call it before the publish. */
  exclude(member: RoomMember, id: string): ExcludedSender<RoomMember> {
    return this.#excluded.add(member.user.id, id, member);
  }

  /** Records that an excluded sender's message is stored at an offset. */
  stored(note: ExcludedSender<RoomMember>, offset: number): void {
    // A repeated publish: the message came before, or its sender joined after it.
    if (offset <= this.recent.head) this.#excluded.delete(note);
  }

  /** Sends a frame to one member, in order with the frames for all. */
  reply(member: RoomMember, text: string): void {
    this.#queue.toOne(member, text, "reply");
  }

  /** Sends the `presence` frame with everybody to a member that may see it from now on. */
  showPresence(member: RoomMember): void {
    // The list has no pending changes, so it must not come after them.
    this.#queue.flush();
    this.reply(member, this.#queue.presenceText);
  }

  /** Sends everything that is pending. */
  flush(): void {
    this.#queue.flush();
  }

  /** Ends the subscription. */
  close(): void {
    this.#queue.close();
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
          else this.#queue.message(text);
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
        return this.#queue.message(JSON.stringify({ type: "gap", from, to, epoch: this.epoch }));
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

  #takeChange(change: PresenceChange): void {
    this.#queue.change(change);
    this.#members.get(change.entry.connection)?.presence.settled();
    if (change.type === "updated" && change.previous !== undefined) {
      this.#members.get(change.previous)?.presence.takenOver(change.entry.state);
    }
  }

  /** Sends a message; an excluded sender gets the ack in its place. */
  #toOthers({ from, id, offset }: Message, text: string): void {
    const note = this.#excluded.take(from.user, id);
    this.#queue.message(text, note?.sender);
    if (!note || note.isAcked) return;
    note.isAcked = true;
    this.reply(note.sender, excludedAckText(id, offset));
  }

  #relay(message: Ephemeral): void {
    if (isExclusionNotice(message)) return this.#takeNotice(message);
    const { to, from, event, exclude, key } = message;
    this.#lastAt = message.at;
    const text = messageText(message);
    const except = this.#ownMember(from.user, exclude);
    if (to === undefined) {
      const ownKey = key === undefined ? undefined : JSON.stringify([from.user, from.connection, event, key]);
      return this.#queue.ephemeral(text, { except, key: ownKey });
    }
    for (const member of this.#addressees(to)) {
      if (member !== except) this.#queue.toOne(member, text, "ephemeral");
    }
  }

  /** Excludes a member from a message that its user publishes over HTTP on another isolate. */
  #takeNotice({ id, from }: Ephemeral): void {
    const member = this.#ownMember(from.user, from.connection);
    if (member) this.exclude(member, id);
  }

  /** The member with a connection, if it is the user's. */
  #ownMember(user: string, connection: string | undefined): RoomMember | undefined {
    const member = connection === undefined ? undefined : this.#members.get(connection);
    return member?.user.id === user ? member : undefined;
  }

  #addressees(to: NonNullable<Ephemeral["to"]>): readonly RoomMember[] {
    if ("user" in to) return [...this.#members.values()].filter(({ user }) => user.id === to.user);
    const member = this.#members.get(to.connection);
    return member ? [member] : [];
  }
}
