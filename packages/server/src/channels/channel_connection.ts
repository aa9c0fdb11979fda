import type { User } from "../auth/user.ts";
import { CLOSE } from "../../../protocol/close_codes.ts";
import { errorFields } from "../observability/log.ts";
import { FrameRate } from "../socket/frame_rate.ts";
import type { DrainNotice, Socket, SocketClose } from "../socket/socket.ts";
import { TokenBucket } from "../socket/token_bucket.ts";
import type { Timed } from "../socket/timing_wheel.ts";
import { Channel, type ChannelSocket } from "./channel.ts";
import type { ChannelDeps } from "./channel_deps.ts";
import { channelName } from "./channel_name.ts";
import { decode } from "./frames/decode.ts";
import { textFrame } from "./frames/encode.ts";
import type { BroadcastPush, Push, Version } from "./frames/frame.ts";
import { REASONS } from "./reasons.ts";

/** Topic of frames about the socket itself. */
const SOCKET_TOPIC = "phoenix";
/** Silence after which a socket is closed. Clients send a heartbeat every 25 seconds. */
const SILENCE_MS = 60_000;

/** One socket of a supabase-js client: takes frames apart, and gives each to its channel. */
export class ChannelConnection implements ChannelSocket, Timed {
  readonly version: Version;
  readonly #socket: Socket;
  readonly #deps: ChannelDeps;
  readonly #rate: FrameRate;
  readonly #joins: TokenBucket;
  /** Channels that take frames, by topic. */
  readonly #channels = new Map<string, Channel>();
  #received = -1;
  #heardAt = 0;
  #isDrainedAtOnce = false;

  constructor(socket: Socket, version: Version, deps: ChannelDeps) {
    const { limits, now, wheel } = deps.rooms.deps;
    this.#socket = socket;
    this.version = version;
    this.#deps = deps;
    this.#rate = new FrameRate(limits.frames_per_second, limits.frames_burst, now());
    this.#joins = new TokenBucket(limits.joins_per_second, limits.joins_burst, now());
    this.#heardAt = now();
    wheel.add(this, SILENCE_MS);
  }

  get id(): string {
    return this.#socket.id;
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get isSlow(): boolean {
    return this.#socket.isSlow;
  }

  get keyUser(): User {
    return this.#socket.user;
  }

  /** Takes a WebSocket message. Never throws: an `error` frame of rooms would break the client. */
  take(data: string | ArrayBuffer): void {
    const frame = decode(data, this.version, (joinRef) => this.#topicOf(joinRef));
    if (!this.#admit(frame.kind === "unreadable" ? undefined : frame)) return;
    if (frame.kind === "unreadable") {
      const { log } = this.#deps.rooms.deps;
      return log.warn("channels.unreadable_frame", { socket: this.id, problem: frame.problem });
    }
    try {
      this.#handle(frame);
    } catch (error) {
      this.#deps.rooms.deps.log.error("channels.failed", { socket: this.id, ...errorFields(error) });
    }
  }

  /** Announces that the isolate is about to end. */
  drain({ isImmediate }: DrainNotice): void {
    this.#isDrainedAtOnce = isImmediate;
  }

  /** Cleans up after the socket. */
  async gone({ code, reason }: SocketClose): Promise<void> {
    this.#deps.rooms.deps.wheel.delete(this);
    // A client that misses heartbeats closes normally, and comes back at once.
    const presenceCode = reason === "heartbeat timeout" ? CLOSE.heartbeatMissed : code;
    const channels = [...this.#channels.values()];
    await Promise.all(channels.map((channel) => channel.socketClosed(presenceCode, this.#isDrainedAtOnce)));
  }

  check(now: number): number {
    const { received } = this.#socket;
    if (received !== this.#received) this.#heardAt = now;
    this.#received = received;
    const silentMs = now - this.#heardAt;
    if (silentMs < SILENCE_MS) return SILENCE_MS - silentMs;
    this.#socket.close(CLOSE.heartbeatMissed, `nothing was heard for ${SILENCE_MS} ms`);
    return SILENCE_MS;
  }

  send(frame: string | Uint8Array): void {
    this.#socket.send(frame);
  }

  async drained(): Promise<void> {
    await this.#socket.drained();
  }

  push(
    refs: { joinRef: string | null; ref: string | null },
    topic: string,
    event: string,
    payload: string,
  ): void {
    this.send(textFrame({ ...refs, topic, event, payload }, this.version));
  }

  ended(channel: Channel): void {
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic);
  }

  /** Topic of the channel with a join reference. */
  #topicOf(joinRef: string | null): string | undefined {
    if (joinRef === null) return undefined;
    for (const channel of this.#channels.values()) if (channel.joinRef === joinRef) return channel.topic;
    return undefined;
  }

  /** Limits the rate as Supabase does: the channel that sends too much is closed. */
  #admit(frame: Push | BroadcastPush | undefined): boolean {
    if (frame?.topic === SOCKET_TOPIC) return true;
    const admission = this.#rate.admitFrame(this.#deps.rooms.deps.now());
    if (admission === "taken") return true;
    if (admission === "flood") this.#socket.close(CLOSE.flood, REASONS.tooManyMessages);
    else if (frame) this.#channels.get(frame.topic)?.endWith(REASONS.tooManyMessages);
    return false;
  }

  #handle(frame: Push | BroadcastPush): void {
    const { topic, joinRef, ref, event } = frame;
    if (topic === SOCKET_TOPIC) {
      if (event === "heartbeat") this.#answer(ref, null, topic, "ok", "{}");
      return;
    }
    if (frame.kind === "push" && event === "phx_join") return this.#join(frame);
    const channel = this.#channels.get(topic);
    if (frame.kind === "push" && event === "phx_leave") {
      if (!channel) return this.#answer(ref, joinRef, topic, "ok", "{}");
      // A leave of an earlier join must not end the present one.
      if (joinRef === null || joinRef === channel.joinRef) channel.leave(ref);
      return;
    }
    if (channel) channel.take(frame);
    else this.#answer(ref, null, topic, "error", reason(REASONS.unmatchedTopic));
  }

  #join(frame: Push): void {
    const { topic, ref } = frame;
    const joinRef = frame.joinRef ?? ref;
    const { limits, now } = this.#deps.rooms.deps;
    if (channelName(topic) === undefined) {
      return this.#answer(ref, joinRef, topic, "error", reason(REASONS.unmatchedTopic));
    }
    if (this.#joins.take(now()) > 0) {
      this.#answer(ref, joinRef, topic, "error", reason(REASONS.tooManyJoins));
      return this.#socket.close(CLOSE.flood, REASONS.tooManyJoins);
    }
    this.#channels.get(topic)?.replace();
    if (this.#channels.size >= limits.max_rooms) {
      return this.#answer(ref, joinRef, topic, "error", reason(REASONS.tooManyChannels));
    }
    const channel = new Channel(frame, this, this.#deps);
    this.#channels.set(topic, channel);
    void channel.join();
  }

  #answer(
    ref: string | null,
    joinRef: string | null,
    topic: string,
    status: "ok" | "error",
    response: string,
  ): void {
    this.push({ joinRef, ref }, topic, "phx_reply", `{"status":"${status}","response":${response}}`);
  }
}

function reason(text: string): string {
  return JSON.stringify({ reason: text });
}
