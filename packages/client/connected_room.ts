import type {
  ClientFrame,
  GapFrame,
  MessageFrame,
  Position,
  ServerFrame,
  WelcomeFrame,
} from "../protocol/frames.ts";
import { DEFAULT_PAGE } from "../protocol/limits.ts";
import { parseRoomAddress } from "./connection/addresses.ts";
import { askForToken } from "./connection/token.ts";
import { errorOf, RoomError } from "./errors.ts";
import { iterate } from "./iterate.ts";
import { Listeners } from "./listeners.ts";
import { Outbox } from "./outbox.ts";
import { RoomPresence } from "./presence.ts";
import { randomId } from "./random_id.ts";
import { ReplayPosition } from "./replay_position.ts";
import { type Answer, type RequestFrame, Requests } from "./requests.ts";
import type { ResolvedOptions } from "./resolve_options.ts";
import type {
  CallInput,
  CallOutput,
  CallTypes,
  EmitOptions,
  EventName,
  EventTypes,
  HistoryPage,
  PageQuery,
  PublishOptions,
  Room,
  RoomListeners,
  RoomMessage,
} from "./room.ts";
import type { CreateLink, RoomLink } from "./room_link.ts";
import type { LiveState, RoomState } from "./state.ts";

/** Implements Room: routes the frames of the connection to the part that handles them, in order. */
export class ConnectedRoom<
  Published extends EventTypes,
  Received extends EventTypes,
  Calls extends CallTypes,
> implements Room<Published, Received, Calls> {
  readonly url: string;
  readonly presence: RoomPresence;
  readonly #options: ResolvedOptions;
  readonly #listeners = new Listeners<RoomListeners<Received>>();
  readonly #replay: ReplayPosition;
  readonly #requests: Requests;
  readonly #outbox: Outbox;
  readonly #link: RoomLink;
  /** User and id of the last connection. */
  #last: { readonly user: string; readonly connection: string } | null = null;
  /** Connection whose replay is not complete yet; waiting requests follow it. */
  #catchingUp: WelcomeFrame | null = null;
  /** True if no stored message was missed since the last send. */
  #isLossless = true;
  #isOpening = false;

  constructor(url: string, options: ResolvedOptions, createLink: CreateLink) {
    const addresses = parseRoomAddress(url);
    const { clock } = options;
    this.url = url;
    this.#options = options;
    this.#replay = new ReplayPosition(options.resume, options.history);
    this.#link = createLink({
      query: () => this.#replay.query(this.#last?.connection ?? null),
      onWelcome: (welcome) => this.#replay.welcome(welcome),
      onState: (state) => this.#onState(state),
      onFrame: (frame) => this.#onFrame(frame),
    }, addresses);
    const { queue, room } = this.#link;
    this.#requests = new Requests({ clock, queue, room, onSent: (frame) => this.#onSent(frame) });
    this.presence = new RoomPresence(this.#requests);
    this.#outbox = new Outbox({
      requests: this.#requests,
      room: addresses.socket.href,
      ...options.outbox,
      onError: (error) => this.#listeners.emit("error", error),
      onUndelivered: (undelivered) => this.#listeners.emit("undelivered", undelivered),
    });
  }

  get state(): RoomState {
    return this.#link.state;
  }

  get position(): Position | null {
    return this.#replay.position;
  }

  get pending(): number {
    return this.#outbox.size;
  }

  open(): void {
    const { signal, WebSocket } = this.#options;
    if (!WebSocket) throw new TypeError("There is no WebSocket: pass one.");
    if (signal?.aborted) return this.#abort();
    const { type } = this.state;
    if (this.#isOpening || type !== "idle" && type !== "closed") return;
    signal?.addEventListener("abort", this.#abort);
    this.#isOpening = true;
    this.#requests.closedBy = null;
    void this.#outbox.restore().then(() => {
      // `close` may have been called while the outbox was read.
      if (this.#isOpening) this.#link.open();
      this.#isOpening = false;
    });
  }

  async close(): Promise<void> {
    this.#link.queue.flush();
    this.#stop(new RoomError("closed", "The room was closed."));
    await Promise.all([this.#link.ended(), this.#outbox.settled()]);
  }

  reconnect(): void {
    this.#link.reconnect();
  }

  live(): Promise<LiveState> {
    return new Promise((resolve, reject) => {
      const check = (state: RoomState) => {
        if (state.type === "live") resolve(state);
        else if (state.type === "closed") reject(state.reason);
        else return;
        end();
      };
      const end = this.on("state", check);
      // A room that is about to reopen still has the state `closed`.
      if (!this.#isOpening) check(this.state);
    });
  }

  async refreshToken(): Promise<void> {
    const token = await askForToken(this.#options.token, true);
    const requests = this.#link.control ?? this.#requests;
    await requests.ask({ type: "auth", id: randomId(), token }, { again: false });
  }

  async publish<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    { id = randomId(), exclude }: PublishOptions = {},
  ): Promise<number> {
    return await this.#outbox.publish(id, event, data, exclude);
  }

  async emit<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    options?: EmitOptions,
  ): Promise<void> {
    const frame = { ...options, type: "publish", id: randomId(), event, data, ephemeral: true } as const;
    const onFirstSent = () => {
      if (options?.ack === false) this.#requests.answer({ type: "ack", id: frame.id });
    };
    await this.#requests.ask(frame, { again: false, onFirstSent });
  }

  async call<Name extends keyof Calls & string>(
    method: Name,
    data?: CallInput<Calls[Name]>,
  ): Promise<CallOutput<Calls[Name]>> {
    const frame = { type: "call", id: randomId(), method, data } as const;
    // The server validates the result with the schema that `Calls` is derived from.
    return (await this.#requests.ask(frame, { again: false })).data as CallOutput<Calls[Name]>;
  }

  async history({ after, before, limit = DEFAULT_PAGE }: PageQuery): Promise<HistoryPage<Received>> {
    const frame = { type: "history", id: randomId(), after, before, limit } as const;
    const answer = await this.#requests.ask(frame, { again: true });
    // The server validates data with the schemas that `Received` is derived from.
    const messages: readonly unknown[] = answer.messages;
    return { messages: messages as readonly RoomMessage<Received>[], more: answer.more };
  }

  on<Kind extends keyof RoomListeners<Received>>(
    kind: Kind,
    listener: (value: RoomListeners<Received>[Kind]) => void,
  ): () => void {
    return this.#listeners.on(kind, listener);
  }

  onMessage<Name extends EventName<Received>>(
    event: Name,
    listener: (message: RoomMessage<Pick<Received, Name>>) => void,
  ): () => void {
    return this.on("message", (message: { readonly event: string }) => {
      if (message.event === event) listener(message as RoomMessage<Pick<Received, Name>>);
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<RoomMessage<Received>> {
    return iterate<Received>(this, this.#options.iteratorLimit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readonly #abort = (): void => {
    this.#stop(new RoomError("aborted", "The signal was aborted."));
  };

  #stop(reason: RoomError): void {
    this.#isOpening = false;
    // Covers a room that is about to reopen and still has the state `closed`.
    this.#requests.closedBy = reason;
    this.#link.stop(reason);
  }

  #onSent(sent: RequestFrame): void {
    // A room's own requests are no `join` and no `leave`.
    const frame = (sent.type === "auth" ? { ...sent, token: "…" } : sent) as ClientFrame;
    this.#listeners.emit("frame", { direction: "out", frame });
  }

  #onState(state: RoomState): void {
    if (state.type === "live") this.#requests.connected();
    else {
      this.#catchingUp = null;
      this.#requests.end();
    }
    this.#listeners.emit("state", state);
    if (state.type !== "closed") return;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#requests.closedBy = state.reason;
    this.presence.forget(state.reason);
  }

  #onFrame(frame: ServerFrame): void {
    this.#listeners.emit("frame", { direction: "in", frame });
    switch (frame.type) {
      case "welcome":
        return this.#onWelcome(frame);
      case "message":
        return this.#onMessageFrame(frame);
      case "presence":
        return this.#listeners.emit("presence", this.presence.take(frame));
      case "gap": {
        if (!this.#replay.skip(frame)) return;
        this.#isLossless = false;
        this.#listeners.emit("gap", withoutType(frame));
        return this.#beginWhenCaughtUp();
      }
      case "expiring":
        // After a failure the server closes with 4401, and the client asks again.
        return void this.refreshToken().catch((error: RoomError) => this.#listeners.emit("error", error));
      case "ack":
        if (frame.excluded) this.#replay.exclude(frame.offset ?? 0);
        return void this.#requests.answer(frame);
      case "error":
        if (!this.#requests.answer(frame)) this.#listeners.emit("error", errorOf(frame));
        return;
      default:
        // An answer. Other frames, also those of newer servers, have no id of a request.
        return void this.#requests.answer(frame as Answer);
    }
  }

  #onWelcome(welcome: WelcomeFrame): void {
    const { user, connection, recovered } = welcome;
    const reason = new RoomError("user_changed", `The token belongs to another user, ${user}.`);
    // Never sends the messages of the outbox's owner in another name.
    if ((this.#outbox.owner ?? user) !== user) return this.#stop(reason);
    if ((this.#last?.user ?? user) !== user) {
      this.presence.forget(reason);
      this.#requests.rejectAll(reason);
    }
    this.#last = { user, connection };
    this.#catchingUp = welcome;
    if (!recovered) this.#isLossless = false;
    this.#beginWhenCaughtUp();
  }

  #onMessageFrame(frame: MessageFrame): void {
    const verdict = this.#replay.take(frame);
    if (verdict === "gap") {
      const text = `The server left a gap before offset ${frame.offset}.`;
      return this.#link.fault(new RoomError("hole", text));
    }
    if (frame.offset !== undefined && frame.from.user === this.#last?.user) {
      this.#requests.delivered(frame.id, frame.offset);
    }
    if (verdict === "new") {
      this.#listeners.emit("message", withoutType(frame) as unknown as RoomMessage<Received>);
    }
    this.#beginWhenCaughtUp();
  }

  /** Sends waiting requests after the replay, which shows those that are stored already. */
  #beginWhenCaughtUp(): void {
    const welcome = this.#catchingUp;
    if (!welcome || !this.#replay.isCaughtUp) return;
    this.#catchingUp = null;
    this.#requests.begin(welcome, this.#isLossless);
    this.#isLossless = true;
    this.presence.begin();
  }
}

function withoutType<Frame extends GapFrame | MessageFrame>(
  { type: _, room: __, ...rest }: Frame,
): Omit<Frame, "type" | "room"> {
  return rest;
}
