import type { Ephemeral, PresenceChange, RoomEvent, Subscription } from "../backplane/contract.ts";
import type { Metrics } from "../observability/metrics.ts";
import { FanOut, type FrameKind } from "./outbound/fan_out.ts";
import { messageText } from "./outbound/frame_text.ts";
import type { Member, RoomOutput } from "./member.ts";
import { PresenceBroadcast } from "./outbound/presence_broadcast.ts";
import { PresenceThrottle } from "./outbound/presence_throttle.ts";
import { RecentMessages } from "./outbound/recent_messages.ts";
import type { RoomDeps } from "./room_deps.ts";
import type { FlushScheduler, TurnWaiter } from "./outbound/flush_scheduler.ts";

/** Changes of presence that are as long as this are told at once, so that a frame stays of a handy size. */
const MAX_NEWS_LENGTH = 65_536;

/** A frame for one member, after the changes of presence that wait. */
interface Waiting {
  readonly member: Member;
  readonly text: string;
  readonly kind: FrameKind;
}

/** One room in this isolate: one subscription to the backplane, however many members. */
export class Room implements RoomOutput, TurnWaiter {
  readonly key: string;
  readonly recent: RecentMessages;
  readonly #fanOut: FanOut<Member>;
  readonly #metrics: Metrics;
  readonly #subscription: Subscription;
  readonly #news: PresenceBroadcast;
  readonly #pace = new PresenceThrottle();
  readonly #now: () => number;
  readonly #turn: FlushScheduler;
  /** Runs while changes of presence wait. */
  #telling: ReturnType<typeof setTimeout> | undefined;
  #waiting: Waiting[] = [];
  readonly #onReset: () => void;
  #isLost = false;

  private constructor(key: string, deps: RoomDeps, subscription: Subscription, onReset: () => void) {
    this.key = key;
    this.#subscription = subscription;
    this.#onReset = onReset;
    this.#fanOut = new FanOut(deps.turn);
    this.#metrics = deps.metrics;
    this.#now = deps.now;
    this.#turn = deps.turn;
    this.recent = new RecentMessages(subscription.head, {
      messages: deps.limits.history_messages,
      ageMs: deps.limits.history_seconds * 1000,
      now: deps.now,
    });
    this.#news = new PresenceBroadcast(subscription.present);
  }

  /**
   * Subscribes to a room. `onReset` is called when its history was lost; then it is of no use any more.
   * @throws {BackplaneUnavailable} as a rejection
   */
  static async open(key: string, deps: RoomDeps, onReset: () => void): Promise<Room> {
    // What comes before the subscription is in our hands waits until it is.
    const early: RoomEvent[] = [];
    let take = (event: RoomEvent): void => void early.push(event);
    const subscription = await deps.backplane.subscribe(key, (event) => take(event));
    const room = new Room(key, deps, subscription, onReset);
    take = (event) => room.#take(event);
    early.forEach(take);
    return room;
  }

  get epoch(): string {
    return this.#subscription.epoch;
  }

  /** Whether its history was lost: nothing more comes of it. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The `presence` frame of everybody who is here, by what the members were told: a new one is told with them what comes after it. */
  presenceText(): string {
    return this.#news.listText;
  }

  /** Makes a member live: `sendRest` brings it to where the others are, and from then on it is sent everything. */
  add(member: Member, sendRest: () => void): void {
    // At rest the list says that who resumes goes on already. Where changes wait for company each one that comes would make it for nothing.
    if (this.#telling === undefined) this.#tell();
    this.#fanOut.flush();
    sendRest();
    this.#fanOut.add(member);
  }

  /** Takes a member off; taking it off twice does nothing. */
  delete(member: Member): void {
    this.#fanOut.delete(member);
  }

  /** Sends a frame to one member, in order with what everybody is sent. */
  reply(member: Member, text: string): void {
    this.#toOne(member, text, "reply");
  }

  /** Sends what waits now. */
  flush(): void {
    this.#tell();
    this.#fanOut.flush();
  }

  turnEnded(): void {
    this.#tell();
  }

  /** Ends the subscription. */
  close(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#subscription.close();
  }

  #take(event: RoomEvent): void {
    switch (event.type) {
      case "messages":
        for (const message of event.messages) {
          const text = messageText(message);
          this.recent.add(text, message.at);
          this.#toAll(text, "message");
        }
        return;
      case "ephemeral":
        return this.#relay(event.message);
      case "presence":
        return this.#takeChange(event.change);
      case "gap": {
        const { from, to } = event;
        this.recent.skipTo(to);
        return this.#toAll(JSON.stringify({ type: "gap", from, to, epoch: this.epoch }), "message");
      }
      case "reset":
        this.#isLost = true;
        this.#onReset();
        for (const member of this.#fanOut.recipients) member.roomLost();
        return;
      default:
        event satisfies never;
    }
  }

  /** Who comes alone is told of when the turn ends; where many come and go each member is told of several at a time. */
  #takeChange(change: PresenceChange): void {
    this.#news.add(change);
    const waitMs = this.#pace.waitMs(this.#fanOut.size, this.#now());
    if (this.#news.length > MAX_NEWS_LENGTH) this.#tell();
    else if (waitMs === 0) this.#turn.wait(this);
    else this.#telling ??= setTimeout(() => this.#tell(), waitMs);
  }

  /** Tells the changes of presence that wait, and what came after them. */
  #tell(): void {
    if (this.#news.length === 0) return;
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#pace.told(this.#now());
    for (const text of this.#news.tell()) this.#send(text, "presence");
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { member, text, kind } of waiting) {
      if (this.#fanOut.has(member)) this.#fanOut.toOne(member, text, kind);
    }
  }

  #toAll(text: string, kind: FrameKind): void {
    this.#tell();
    this.#send(text, kind);
  }

  #toOne(member: Member, text: string, kind: FrameKind): void {
    if (this.#news.length > 0) this.#waiting.push({ member, text, kind });
    else this.#fanOut.toOne(member, text, kind);
  }

  #send(text: string, kind: FrameKind): void {
    this.#metrics.deliveries += this.#fanOut.size;
    this.#fanOut.toAll(text, kind);
  }

  #relay(message: Ephemeral): void {
    const { to } = message;
    const text = messageText(message);
    if (to === undefined) return this.#toAll(text, "ephemeral");
    for (const member of this.#fanOut.recipients) {
      const isMeant = "user" in to ? member.user.id === to.user : member.connection === to.connection;
      if (!isMeant) continue;
      this.#metrics.deliveries += 1;
      this.#toOne(member, text, "ephemeral");
    }
  }
}
