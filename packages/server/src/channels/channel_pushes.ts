import { BackplaneUnavailable } from "../backplane/contract.ts";
import { send } from "../rooms/inbound/send.ts";
import type { RoomPermissions } from "../rooms/policy/authorize.ts";
import type { RoomDeps } from "../rooms/room_deps.ts";
import type { ChannelPresence } from "./channel_presence.ts";
import type { BroadcastPush, Push } from "./frames/frame.ts";
import type { JoinConfig } from "./join_config.ts";
import { isTooLarge, messageData } from "./message_data.ts";
import { mayNotWrite, REASONS } from "./reasons.ts";

/** The channel, as its pushes see it. */
export interface PushingChannel {
  readonly connection: string;
  readonly sender: string;
  readonly name: string;
  readonly isPrivate: boolean;
  readonly config: JoinConfig;
  readonly permissions: RoomPermissions;
  readonly hasEnded: boolean;
  /** Answers a push; `response` is JSON text. */
  reply(ref: string | null, status: "ok" | "error", response: string): void;
  /** Ends the channel for good, with a text for the user. */
  endWith(message: string): void;
  logFailure(error: unknown): void;
  /** Id of a stored broadcast. */
  messageId(offset: number): string;
}

/** Handles what a joined channel sends: broadcasts and presence. */
export class ChannelPushes {
  readonly #channel: PushingChannel;
  readonly #key: string;
  readonly #presence: ChannelPresence;
  readonly #deps: RoomDeps;
  /** Settles when earlier presence pushes are handled. */
  #earlier: Promise<void> = Promise.resolve();
  #pending = 0;

  /** `key` is the room's name in the backplane. */
  constructor(channel: PushingChannel, key: string, presence: ChannelPresence, deps: RoomDeps) {
    this.#channel = channel;
    this.#key = key;
    this.#presence = presence;
    this.#deps = deps;
  }

  /** Takes a broadcast. It goes to the backplane at once, so that a sender's order is kept. */
  broadcast(push: BroadcastPush): void {
    const { permissions, name, isPrivate } = this.#channel;
    if (!permissions.publish) return this.#refuse(push, object({ reason: mayNotWrite(name) }));
    if (isTooLarge(push.data)) return this.#refuse(push, JSON.stringify("payload_size_exceeded"));
    // The text of `error` is what `send()` of a client resolves with.
    if (push.persist && !isPrivate) return this.#refuse(push, object({ error: REASONS.persistIsPrivate }));
    if (this.#isBusy()) return this.#channel.endWith(REASONS.tooManyMessages);
    void this.#publish(push);
  }

  /** Takes a presence push, and handles it behind the earlier ones. */
  presence({ ref, payload }: Push): void {
    if (this.#isBusy()) return this.#channel.endWith(REASONS.tooManyMessages);
    this.#pending += 1;
    this.#earlier = this.#earlier.then(() => this.#changePresence(ref, payload)).finally(() => {
      this.#pending -= 1;
    });
  }

  /** Runs a change of the presence behind those under way. Never rejects. */
  async afterPresence(change: () => Promise<void>): Promise<void> {
    this.#earlier = this.#earlier.then(change).catch((error: unknown) => this.#channel.logFailure(error));
    await this.#earlier;
  }

  #isBusy(): boolean {
    return this.#pending >= this.#deps.maxPendingPublishes;
  }

  /** Never rejects. */
  async #publish({ ref, event, data, persist }: BroadcastPush): Promise<void> {
    const channel = this.#channel;
    const { connection, sender, config } = channel;
    this.#pending += 1;
    try {
      const message = {
        id: ref === null ? crypto.randomUUID() : `${connection}:${ref}`,
        event,
        data: messageData(data),
        from: { user: sender, connection },
        ephemeral: !persist,
      };
      const stored = await send(this.#key, message, this.#deps);
      if (config.ack) {
        channel.reply(ref, "ok", object(stored ? { id: channel.messageId(stored.offset) } : {}));
      }
    } catch (error) {
      channel.logFailure(error);
      const text = error instanceof BackplaneUnavailable ? REASONS.restarting : REASONS.failed;
      if (config.ack) channel.reply(ref, "error", object(persist ? { error: text } : { reason: text }));
    } finally {
      this.#pending -= 1;
    }
  }

  /** Never rejects. */
  async #changePresence(ref: string | null, push: Push["payload"]): Promise<void> {
    const channel = this.#channel;
    if (channel.hasEnded) return;
    const event = typeof push["event"] === "string" ? push["event"].toLowerCase() : "";
    if (!channel.permissions.presence || event !== "track" && event !== "untrack") {
      return channel.reply(ref, "error", "{}");
    }
    try {
      const reason = event === "track"
        ? await this.#presence.track(push["payload"])
        : void await this.#presence.untrack();
      if (reason === undefined) channel.reply(ref, "ok", "{}");
      else channel.reply(ref, "error", object({ reason }));
    } catch (error) {
      channel.logFailure(error);
      channel.reply(ref, "error", object({ reason: REASONS.restarting }));
    }
  }

  /** Answers a broadcast that is refused, if the channel wants answers. */
  #refuse({ ref }: BroadcastPush, response: string): void {
    if (this.#channel.config.ack) this.#channel.reply(ref, "error", response);
  }
}

function object(value: Readonly<Record<string, string>>): string {
  return JSON.stringify(value);
}
