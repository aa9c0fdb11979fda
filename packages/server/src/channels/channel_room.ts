import type { Ephemeral, Message, PresenceChange, RoomEvent, Subscription } from "../backplane/contract.ts";
import { isExclusionNotice } from "../rooms/exclusion_notice.ts";
import { PresenceThrottle } from "../rooms/outbound/presence_throttle.ts";
import type { TickListener } from "../rooms/outbound/flush_scheduler.ts";
import type { RoomDeps } from "../rooms/room_deps.ts";
import { EncodedBroadcast, textFrame } from "./frames/encode.ts";
import type { Version } from "./frames/frame.ts";
import { broadcastData } from "./message_data.ts";
import { PresenceView } from "./presence/presence_view.ts";

/** A channel, as its room sees it. */
export interface ChannelMember {
  /** The channel's connection in the room. */
  readonly connection: string;
  /** The sender of the channel's messages. */
  readonly sender: string;
  readonly version: Version;
  /** True if it gets its own broadcasts. */
  readonly hearsItself: boolean;
  /** True if it got a `presence_state`. Other clients would keep changes in memory for ever. */
  readonly seesPresence: boolean;
  readonly isSlow: boolean;
  /** Sends a frame. */
  deliver(frame: string | Uint8Array): void;
  /** Takes the reference of a lost connection whose presence it took over. */
  keepPresence(ref: string): void;
  /** Learns that another connection took over its presence, with this state. */
  presenceTaken(state: string): void;
  /** Learns that the room's history is lost: nothing more is delivered. */
  roomLost(): void;
}

/** A message as its channels get it. */
interface Delivery {
  readonly from: Message["from"];
  readonly to?: Ephemeral["to"] | undefined;
  readonly isEphemeral: boolean;
}

/** One room in this isolate: one subscription to the backplane, however many channels. */
export class ChannelRoom implements TickListener {
  readonly key: string;
  readonly #topic: string;
  readonly #deps: RoomDeps;
  readonly #subscription: Subscription;
  readonly #presence: PresenceView;
  readonly #throttle = new PresenceThrottle();
  /** Members by connection. */
  readonly #members = new Map<string, ChannelMember>();
  #presenceTimer: ReturnType<typeof setTimeout> | undefined;
  #head: number;
  #isLost = false;

  private constructor(key: string, topic: string, deps: RoomDeps, subscription: Subscription) {
    this.key = key;
    this.#topic = topic;
    this.#deps = deps;
    this.#subscription = subscription;
    this.#presence = new PresenceView(subscription.present);
    this.#head = subscription.head;
  }

  /**
   * Subscribes to a room.
   * @throws {BackplaneUnavailable} as a rejection
   */
  static async open(key: string, topic: string, deps: RoomDeps): Promise<ChannelRoom> {
    // Events that arrive before `subscribe` resolves wait until it does.
    const early: RoomEvent[] = [];
    let take = (event: RoomEvent): void => void early.push(event);
    const subscription = await deps.backplane.subscribe(key, (event) => take(event));
    const room = new ChannelRoom(key, topic, deps, subscription);
    take = (event) => room.#take(event);
    early.forEach(take);
    return room;
  }

  /** Name of the history that offsets belong to. */
  get epoch(): string {
    return this.#subscription.epoch;
  }

  /** Offset of the last message that members got. */
  get head(): number {
    return this.#head;
  }

  /** True if the room's history was lost: it delivers nothing more. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** JSON text of the presence that members know. */
  presenceText(): string {
    this.#broadcastPresence();
    return this.#presence.stateText();
  }

  /** Adds a member: it gets everything that comes from now on. */
  add(member: ChannelMember): void {
    this.#members.set(member.connection, member);
  }

  /** Removes a member. */
  delete(member: ChannelMember): void {
    this.#members.delete(member.connection);
  }

  tickSettled(): void {
    this.#broadcastPresence();
  }

  /** Ends the subscription. */
  close(): void {
    clearTimeout(this.#presenceTimer);
    this.#presenceTimer = undefined;
    this.#subscription.close();
  }

  /** Id of a stored broadcast, for `meta`. */
  messageId(offset: number): string {
    return `${this.epoch}:${offset}`;
  }

  #take(event: RoomEvent): void {
    switch (event.type) {
      case "messages":
        for (const message of event.messages) {
          this.#head = message.offset;
          const meta = JSON.stringify({ id: this.messageId(message.offset) });
          this.#broadcast(message, { from: message.from, isEphemeral: false }, meta);
        }
        return;
      case "ephemeral": {
        const { message } = event;
        if (isExclusionNotice(message)) return;
        return this.#broadcast(message, { from: message.from, to: message.to, isEphemeral: true });
      }
      case "presence":
        return this.#takeChange(event.change);
      case "gap":
        this.#head = event.to;
        return;
      case "reset":
        this.#isLost = true;
        for (const member of [...this.#members.values()]) member.roomLost();
        return;
      default:
        event satisfies never;
    }
  }

  #broadcast(
    { event, data }: Pick<Message, "event" | "data">,
    { from, to, isEphemeral }: Delivery,
    meta?: string,
  ): void {
    this.#broadcastPresence();
    const broadcast = new EncodedBroadcast({
      topic: this.#topic,
      event,
      data: broadcastData(data),
      ...(meta === undefined ? {} : { meta }),
    });
    for (const member of this.#members.values()) {
      if (member.connection === from.connection && !member.hearsItself) continue;
      if (to && !isFor(member, to) || isEphemeral && member.isSlow) continue;
      const frame = broadcast.for(member.version);
      if (frame === undefined) continue;
      this.#deps.metrics.deliveries += 1;
      member.deliver(frame);
    }
  }

  /** Changes of one tick go out together; those of a crowd are throttled. */
  #takeChange(change: PresenceChange): void {
    const kept = this.#presence.apply(change);
    const { connection, state } = change.entry;
    if (kept !== undefined) this.#member(connection)?.keepPresence(kept);
    if (change.type === "updated") this.#member(change.previous)?.presenceTaken(state);
    if (!this.#presence.hasChanges) return;
    const { scheduler, now } = this.#deps;
    const waitMs = this.#throttle.waitMs(this.#members.size, now());
    if (waitMs === 0) scheduler.schedule(this);
    else this.#presenceTimer ??= setTimeout(() => this.#broadcastPresence(), waitMs);
  }

  #member(connection: string | undefined): ChannelMember | undefined {
    return connection === undefined ? undefined : this.#members.get(connection);
  }

  #broadcastPresence(): void {
    if (!this.#presence.hasChanges) return;
    clearTimeout(this.#presenceTimer);
    this.#presenceTimer = undefined;
    this.#throttle.broadcast(this.#deps.now());
    const frame = {
      joinRef: null,
      ref: null,
      topic: this.#topic,
      event: "presence_diff",
      payload: this.#presence.takeChanges(),
    };
    const texts = new Map<Version, string>();
    for (const member of this.#members.values()) {
      if (!member.seesPresence) continue;
      let text = texts.get(member.version);
      if (text === undefined) texts.set(member.version, text = textFrame(frame, member.version));
      member.deliver(text);
    }
  }
}

function isFor(member: ChannelMember, to: NonNullable<Ephemeral["to"]>): boolean {
  return "user" in to ? member.sender === to.user : member.connection === to.connection;
}
