import type { Ephemeral, PresenceEntry, RoomEvent, Subscription } from "../backplane/contract.ts";
import type { Metrics } from "../metrics.ts";
import { FanOut, type FrameKind } from "./fan_out.ts";
import { messageText, presenceChangeText, presenceListText } from "./frame_text.ts";
import type { Member } from "./member.ts";
import { RecentMessages } from "./recent_messages.ts";
import type { RoomServices } from "./services.ts";

/** One room in this isolate: one subscription to the backplane, however many members. */
export class Room {
  readonly key: string;
  readonly recent: RecentMessages;
  readonly #fanOut: FanOut<Member>;
  readonly #metrics: Metrics;
  readonly #subscription: Subscription;
  readonly #present: Map<string, PresenceEntry>;
  readonly #onReset: () => void;
  #isLost = false;

  private constructor(key: string, services: RoomServices, subscription: Subscription, onReset: () => void) {
    this.key = key;
    this.#subscription = subscription;
    this.#onReset = onReset;
    this.#fanOut = new FanOut(services.turn);
    this.#metrics = services.metrics;
    this.recent = new RecentMessages(subscription.head, {
      messages: services.limits.history_messages,
      ageMs: services.limits.history_seconds * 1000,
      now: services.now,
    });
    this.#present = new Map(subscription.present.map((entry) => [entry.connection, entry]));
  }

  /**
   * Subscribes to a room. `onReset` is called when its history was lost; then it is of no use any more.
   * @throws {BackplaneUnavailable} as a rejection
   */
  static async open(key: string, services: RoomServices, onReset: () => void): Promise<Room> {
    // What comes before the subscription is in our hands waits until it is.
    const early: RoomEvent[] = [];
    let take = (event: RoomEvent): void => void early.push(event);
    const subscription = await services.backplane.subscribe(key, (event) => take(event));
    const room = new Room(key, services, subscription, onReset);
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

  /** The `presence` frame of everybody who is here. */
  presenceText(): string {
    return presenceListText(this.#present.values());
  }

  /** Makes a member live: `sendRest` brings it to the head, and from then on it is sent everything. */
  add(member: Member, sendRest: () => void): void {
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
    this.#fanOut.toOne(member, text, "reply");
  }

  /** Sends what waits for the turn's end now. */
  flush(): void {
    this.#fanOut.flush();
  }

  /** Ends the subscription. */
  close(): void {
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
      case "presence": {
        const { change } = event;
        if (change.type === "updated" && change.previous !== undefined) this.#present.delete(change.previous);
        if (change.type === "left") this.#present.delete(change.entry.connection);
        else this.#present.set(change.entry.connection, change.entry);
        return this.#toAll(presenceChangeText(change), "presence");
      }
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

  #toAll(text: string, kind: FrameKind): void {
    this.#metrics.deliveries += this.#fanOut.recipients.size;
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
      this.#fanOut.toOne(member, text, "ephemeral");
    }
  }
}
