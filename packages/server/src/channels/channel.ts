import type { User } from "../auth/user.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { BackplaneUnavailable } from "../backplane/contract.ts";
import { logFailure } from "../rooms/failure.ts";
import type { RoomPermissions } from "../rooms/policy/authorize.ts";
import { ChannelAccess } from "./channel_access.ts";
import { channelName, roomKey } from "./channel_name.ts";
import type { ChannelDeps } from "./channel_deps.ts";
import { ChannelPresence } from "./channel_presence.ts";
import { ChannelPushes } from "./channel_pushes.ts";
import type { ChannelMember, ChannelRoom } from "./channel_room.ts";
import type { Evictable } from "./channel_rooms.ts";
import { EncodedBroadcast } from "./frames/encode.ts";
import type { BroadcastPush, Push, Version } from "./frames/frame.ts";
import { senderOf } from "./identity.ts";
import { joinProblem } from "./join_problem.ts";
import { type JoinConfig, readJoinConfig } from "./join_config.ts";
import { broadcastData } from "./message_data.ts";
import { mayNotRead, REASONS } from "./reasons.ts";
import { missedMessages, startOfReplay } from "./replay.ts";

/** The socket that channels share, as one of them sees it. */
export interface ChannelSocket {
  readonly id: string;
  readonly version: Version;
  readonly isOpen: boolean;
  readonly isSlow: boolean;
  /** The user of the socket's API key. */
  readonly keyUser: User;
  send(frame: string | Uint8Array): void;
  /** Resolves once the client has read most of what was sent. */
  drained(): Promise<void>;
  /** Sends a text frame; `payload` is the text of an object. */
  push(
    refs: { joinRef: string | null; ref: string | null },
    topic: string,
    event: string,
    payload: string,
  ): void;
  /** Reports that the channel takes no more frames. */
  ended(channel: Channel): void;
}

/** Wait of a refused join. A client waits for ten seconds, and tries again for ever. */
const REFUSAL_MS = { least: 1_000, spread: 2_000 };

/** One channel of one socket, from its join until it has ended. */
export class Channel implements ChannelMember, Evictable {
  readonly connection: string = crypto.randomUUID();
  readonly topic: string;
  readonly name: string;
  readonly joinRef: string | null;
  readonly config: JoinConfig;
  readonly #socket: ChannelSocket;
  readonly #deps: ChannelDeps;
  readonly #key: string;
  readonly #token: unknown;
  readonly #access: ChannelAccess;
  readonly #presence: ChannelPresence;
  readonly #pushes: ChannelPushes;
  #room: ChannelRoom | undefined;
  #isJoined = false;
  #seesPresence = false;
  #hasEnded = false;
  #refusalTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ topic, joinRef, ref, payload }: Push, socket: ChannelSocket, deps: ChannelDeps) {
    this.topic = topic;
    this.joinRef = joinRef ?? ref;
    this.name = channelName(topic) ?? "";
    this.config = readJoinConfig(payload);
    this.#socket = socket;
    this.#deps = deps;
    this.#token = payload["access_token"] ?? payload["user_token"];
    this.#key = roomKey(this.name, this.isPrivate);
    this.#access = new ChannelAccess(this, deps);
    const key = this.config.presence.key || crypto.randomUUID();
    this.#presence = new ChannelPresence(this, this.#key, key, deps.rooms.deps);
    this.#pushes = new ChannelPushes(this, this.#key, this.#presence, deps.rooms.deps);
  }

  get isPrivate(): boolean {
    return this.config.isPrivate;
  }

  get version(): Version {
    return this.#socket.version;
  }

  get user(): User {
    return this.#access.user;
  }

  get keyUser(): User {
    return this.#socket.keyUser;
  }

  get sender(): string {
    return senderOf(this.user);
  }

  get permissions(): RoomPermissions {
    return this.#access.permissions;
  }

  get hearsItself(): boolean {
    return this.config.self;
  }

  get seesPresence(): boolean {
    return this.#seesPresence;
  }

  get isSlow(): boolean {
    return this.#socket.isSlow;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Joins, and answers. Never rejects. */
  async join(): Promise<void> {
    try {
      const problem = joinProblem(this, this.#key, this.#deps) ?? await this.#access.admit(this.#token);
      if (this.#hasEnded) return;
      if (problem !== undefined) return this.#refuse(problem);
      if (this.config.replay && !this.permissions.history) return this.#refuse(REASONS.noHistory);
      const room = await this.#deps.rooms.open(this.#key, this.topic, this);
      if (this.#hasEnded) return this.#deps.rooms.release(this.#key, this);
      await this.#enter(room);
    } catch (error) {
      this.logFailure(error);
      if (this.#isJoined) this.#crash();
      else this.#refuse(error instanceof BackplaneUnavailable ? REASONS.restarting : REASONS.failed);
    }
  }

  /** Takes a frame of the client. */
  take(push: Push | BroadcastPush): void {
    if (this.#hasEnded) return;
    if (!this.#isJoined) {
      return this.reply(push.ref, "error", JSON.stringify({ reason: REASONS.unmatchedTopic }));
    }
    this.#presence.heard();
    if (push.kind === "broadcast") return this.#pushes.broadcast(push);
    switch (push.event) {
      case "presence":
        return this.#pushes.presence(push);
      case "access_token":
        return void this.#renew(push.payload["access_token"]);
      case "broadcast":
        if (this.config.ack) {
          this.reply(push.ref, "error", '{"reason":"A broadcast needs an event, which is text"}');
        }
    }
  }

  /** Leaves. The client does not wait for the answer. */
  leave(ref: string | null): void {
    if (this.#hasEnded) return;
    this.reply(ref, "ok", "{}");
    this.#close();
  }

  /** Makes way for another join of the same topic. Its presence stays for the grace period. */
  replace(): void {
    if (this.#hasEnded) return;
    this.#sendClose("phx_close");
    void this.#end(CLOSE.isolateGoing);
  }

  endWith(message: string): void {
    if (this.#hasEnded) return;
    this.#system("error", message);
    this.#close();
  }

  kick(reason: string = mayNotRead(this.name)): void {
    this.endWith(reason);
  }

  /** Cleans up after the socket, which closed with a code. Presence ends in a drain by itself. */
  async socketClosed(code: number, isDrainedAtOnce: boolean): Promise<void> {
    if (!this.#hasEnded) await this.#end(code, isDrainedAtOnce);
  }

  deliver(frame: string | Uint8Array): void {
    this.#socket.send(frame);
  }

  keepPresence(ref: string): void {
    void this.#pushes.afterPresence(() => this.#presence.keep(ref));
  }

  presenceTaken(state: string): void {
    this.#presence.takenOver(state);
  }

  roomLost(): void {
    this.#crash();
  }

  permitted(): void {
    const maySee = this.config.presence.isEnabled && this.permissions.presence;
    if (maySee && !this.#seesPresence) this.#sendPresence();
    this.#seesPresence = maySee;
    if (!this.permissions.presence) void this.#pushes.afterPresence(() => this.#presence.untrack());
  }

  reply(ref: string | null, status: "ok" | "error", response: string): void {
    const { joinRef } = this;
    this.#socket.push(
      { joinRef, ref },
      this.topic,
      "phx_reply",
      `{"status":"${status}","response":${response}}`,
    );
  }

  logFailure(error: unknown): void {
    logFailure(error, { socket: this.#socket.id, user: this.user.id }, this.#deps.rooms.deps.log);
  }

  messageId(offset: number): string {
    return this.#room?.messageId(offset) ?? String(offset);
  }

  /** Brings the channel into its room: the reply, what it missed, who is present. */
  async #enter(room: ChannelRoom): Promise<void> {
    this.#room = room;
    const { replay } = this.config;
    const { id } = this.user;
    const roomDeps = this.#deps.rooms.deps;
    const start = typeof replay === "object" ? await startOfReplay(replay, room, id, roomDeps) : undefined;
    if (this.#hasEnded) return;
    this.#isJoined = true;
    // The only answer that tells a client that no row changes will flow.
    this.reply(this.joinRef, "ok", '{"postgres_changes":[]}');
    this.#access.start();
    if (start !== undefined) {
      for await (const messages of missedMessages(start, room, id, roomDeps)) {
        if (this.#hasEnded) return;
        for (const message of messages) {
          const meta = JSON.stringify({ replayed: true, id: room.messageId(message.offset) });
          const { event } = message;
          const data = broadcastData(message.data);
          const frame = new EncodedBroadcast({ topic: this.topic, event, data, meta }).for(this.version);
          if (frame !== undefined) this.deliver(frame);
        }
        if (this.isSlow) await this.#socket.drained();
        if (this.#hasEnded) return;
      }
    }
    // No await since the last check: the room's next message is the next one for this channel.
    if (room.isLost) return this.#crash();
    room.add(this);
    if (this.config.presence.isEnabled && this.permissions.presence) this.#sendPresence();
  }

  #sendPresence(): void {
    if (!this.#room) return;
    const state = this.#room.presenceText();
    this.#socket.push({ joinRef: this.joinRef, ref: null }, this.topic, "presence_state", state);
    this.#seesPresence = true;
  }

  /** Never rejects. */
  async #renew(token: unknown): Promise<void> {
    try {
      await this.#access.renew(token);
    } catch (error) {
      this.logFailure(error);
    }
  }

  /** Refuses the join. The answer comes late, since clients try again for ever. */
  #refuse(reason: string): void {
    if (this.#hasEnded) return;
    const waitMs = REFUSAL_MS.least + this.#deps.random() * REFUSAL_MS.spread;
    this.#refusalTimer = setTimeout(() => {
      this.reply(this.joinRef, "error", JSON.stringify({ reason }));
      void this.#end(CLOSE.done);
    }, waitMs);
  }

  /** Ends the channel for good. */
  #close(): void {
    this.#sendClose("phx_close");
    void this.#end(CLOSE.done);
  }

  /** Ends the channel so that the client joins again. */
  #crash(): void {
    if (this.#hasEnded) return;
    this.#sendClose("phx_error");
    void this.#end(CLOSE.isolateGoing);
  }

  #sendClose(event: "phx_close" | "phx_error"): void {
    this.#socket.push({ joinRef: this.joinRef, ref: this.joinRef }, this.topic, event, "{}");
  }

  #system(status: "ok" | "error", message: string): void {
    const payload = JSON.stringify({ extension: "system", status, message, channel: this.name });
    this.#socket.push({ joinRef: this.joinRef, ref: null }, this.topic, "system", payload);
  }

  /** Never rejects. */
  async #end(code: number, isDrainedAtOnce: boolean = false): Promise<void> {
    this.#hasEnded = true;
    clearTimeout(this.#refusalTimer);
    this.#access.stop();
    this.#room?.delete(this);
    this.#socket.ended(this);
    if (!isDrainedAtOnce) await this.#pushes.afterPresence(() => this.#presence.end(code));
    this.#deps.rooms.release(this.#key, this);
  }
}
