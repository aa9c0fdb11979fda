import { parseRoomAddress } from "./addresses.ts";
import { Connection } from "./connection.ts";
import { RoomError } from "./errors.ts";
import type { ClientFrame, MessageFrame, Position, ServerFrame, WelcomeFrame } from "./frames.ts";
import { Listeners } from "./listeners.ts";
import { MessageQueue } from "./message_queue.ts";
import { Outbox } from "./outbox.ts";
import { OwnPresence } from "./own_presence.ts";
import { PresenceView } from "./presence_view.ts";
import { Progress } from "./progress.ts";
import { randomId } from "./random_id.ts";
import { Requests } from "./requests.ts";
import type {
  EmitOptions,
  EventName,
  EventTypes,
  HistoryPage,
  PageQuery,
  Presence,
  PublishOptions,
  Room,
  RoomListeners,
  RoomMessage,
} from "./room.ts";
import type { ResolvedOptions } from "./resolve_options.ts";
import type { LiveState, RoomState } from "./state.ts";

/** Puts the parts together: what the connection brings goes to who takes care of it, in order. */
export class ConnectedRoom<Published extends EventTypes, Received extends EventTypes>
  implements Room<Published, Received> {
  readonly url: string;
  readonly presence: Presence;
  readonly #options: ResolvedOptions;
  readonly #listeners = new Listeners<RoomListeners<Received>>();
  readonly #iterators = new Set<MessageQueue<RoomMessage<Received>>>();
  readonly #progress: Progress;
  readonly #view = new PresenceView();
  readonly #requests: Requests;
  readonly #ownPresence: OwnPresence;
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  /** The user of the last connection, and its id. */
  #last: { readonly user: string; readonly connection: string } | null = null;
  /** A connection whose replay is not through yet: what waits is sent after it. */
  #catchingUp: { readonly welcome: WelcomeFrame; isLossless: boolean } | null = null;
  #isOpening = false;

  constructor(url: string, options: ResolvedOptions) {
    const addresses = parseRoomAddress(url);
    const { clock } = options;
    this.url = url;
    this.#options = options;
    this.#progress = new Progress(options.beginning);
    this.#requests = new Requests({ clock, send: (text, frames) => this.#send(text, frames) });
    this.#ownPresence = new OwnPresence(this.#requests, randomId);
    this.#outbox = new Outbox({
      requests: this.#requests,
      clock,
      room: addresses.socket.href,
      ...options.outbox,
      onError: (error) => this.#listeners.tell("error", error),
      onUndelivered: (undelivered) => this.#listeners.tell("undelivered", undelivered),
    });
    this.#connection = new Connection({
      ...options,
      addresses,
      query: () => this.#progress.query(this.#last?.connection ?? null),
      onWelcome: (welcome) => this.#progress.welcome(welcome),
      onState: (state) => this.#onState(state),
      onFrame: (frame) => this.#onFrame(frame),
    });
    const view = this.#view;
    const ownPresence = this.#ownPresence;
    this.presence = {
      get members() {
        return view.members;
      },
      get users() {
        return view.users;
      },
      enter: (state) => ownPresence.set(state),
      leave: () => ownPresence.set(null),
    };
  }

  get state(): RoomState {
    return this.#connection.state;
  }

  get position(): Position | null {
    return this.#progress.position;
  }

  get pending(): number {
    return this.#outbox.size;
  }

  open(): void {
    const { signal } = this.#options;
    if (signal?.aborted) return this.#abort();
    const { type } = this.state;
    if (this.#isOpening || type !== "idle" && type !== "closed") return;
    signal?.addEventListener("abort", this.#abort);
    this.#isOpening = true;
    void this.#open();
  }

  async close(): Promise<void> {
    this.#stop(new RoomError("closed", "The application has closed the room."));
    await Promise.all([this.#connection.ended(), this.#outbox.settled()]);
  }

  reconnect(): void {
    this.#connection.reconnect();
  }

  live(): Promise<LiveState> {
    return new Promise((resolve, reject) => {
      const look = (state: RoomState) => {
        if (state.type === "live") resolve(state);
        else if (state.type === "closed") reject(state.reason);
        else return;
        end();
      };
      const end = this.on("state", look);
      // A room that is about to open again is not closed any more.
      if (!this.#isOpening) look(this.state);
    });
  }

  async refreshToken(): Promise<void> {
    let token;
    try {
      token = await this.#options.token({ refresh: true });
    } catch (cause) {
      throw new RoomError("token_failed", "The token callback failed.", { cause });
    }
    if (!token) throw new RoomError("signed_out", "There is no token: the token callback returned none.");
    await this.#requests.ask({ type: "auth", id: randomId(), token }, { again: false });
  }

  async publish<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    { id = randomId() }: PublishOptions = {},
  ): Promise<number> {
    this.#assertNotClosed();
    return await this.#outbox.publish(id, event, data);
  }

  async emit<Name extends EventName<Published>>(
    event: Name,
    data: Published[Name],
    { to }: EmitOptions = {},
  ): Promise<void> {
    const frame = { type: "publish", id: randomId(), event, data, ephemeral: true, to } as const;
    await this.#requests.ask(frame, { again: false });
  }

  async history({ after, before, limit = 100 }: PageQuery): Promise<HistoryPage<Received>> {
    this.#assertNotClosed();
    const frame = { type: "history", id: randomId(), after, before, limit } as const;
    const answer = await this.#requests.ask(frame, { again: true });
    if (answer.type !== "history") return { messages: [], more: false };
    // The server holds data against the schemas that `Received` was made from.
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
    listener: (message: Extract<RoomMessage<Received>, { readonly event: Name }>) => void,
  ): () => void {
    return this.on("message", (message) => {
      if (message.event === event) {
        listener(message as Extract<RoomMessage<Received>, { readonly event: Name }>);
      }
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<RoomMessage<Received>> {
    const queue = new MessageQueue<RoomMessage<Received>>(
      this.#options.iteratorLimit,
      () => this.#iterators.delete(queue),
    );
    if (this.state.type === "closed" && !this.#isOpening) queue.end();
    else this.#iterators.add(queue);
    return queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    await this.#outbox.restore();
    // It may have been closed while the outbox was read.
    if (!this.#isOpening) return;
    this.#isOpening = false;
    this.#connection.open();
  }

  readonly #abort = (): void => {
    this.#stop(new RoomError("aborted", "The application's signal was aborted."));
  };

  #stop(reason: RoomError): void {
    this.#isOpening = false;
    this.#connection.stop(reason);
  }

  #assertNotClosed(): void {
    if (this.state.type === "closed" && !this.#isOpening) throw this.state.reason;
  }

  #send(text: string, frames: readonly ClientFrame[]): void {
    this.#connection.send(text);
    if (!this.#listeners.has("frame")) return;
    for (const frame of frames) {
      const shown = frame.type === "auth" ? { ...frame, token: "…" } : frame;
      this.#listeners.tell("frame", { direction: "out", frame: shown });
    }
  }

  #onState(state: RoomState): void {
    if (state.type === "live") this.#requests.connected();
    else {
      this.#catchingUp = null;
      this.#requests.end();
    }
    this.#listeners.tell("state", state);
    if (state.type !== "closed") return;
    const { reason } = state;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#requests.rejectAll(reason);
    const isOwnDoing = reason.code === "closed" || reason.code === "aborted";
    for (const queue of [...this.#iterators]) queue.end(isOwnDoing ? undefined : reason);
  }

  #onFrame(frame: ServerFrame): void {
    this.#listeners.tell("frame", { direction: "in", frame });
    switch (frame.type) {
      case "welcome":
        return this.#onWelcome(frame);
      case "message":
        return this.#onMessageFrame(frame);
      case "presence":
        return this.#listeners.tell("presence", this.#view.take(frame));
      case "gap": {
        if (!this.#progress.skip(frame)) return;
        if (this.#catchingUp) this.#catchingUp.isLossless = false;
        const { from, to, epoch } = frame;
        this.#listeners.tell("gap", { from, to, epoch });
        return this.#beginWhenCaughtUp();
      }
      case "expiring":
        // What fails here ends with 4401, and a fresh token then.
        return void this.refreshToken().catch((error: RoomError) => this.#listeners.tell("error", error));
      case "error":
        if (!this.#requests.answer(frame)) {
          const { code, message, field, retry_after_ms } = frame;
          const error = new RoomError(code, message, { field, retryAfterMs: retry_after_ms });
          this.#listeners.tell("error", error);
        }
        return;
      case "ack":
      case "history":
      case "authenticated":
        return void this.#requests.answer(frame);
    }
  }

  #onWelcome(welcome: WelcomeFrame): void {
    const { user, connection, recovered } = welcome;
    const owner = this.#outbox.owner;
    if (owner !== undefined && owner !== user) {
      const text = `The outbox keeps messages of ${owner}, and the token is that of ${user}.`;
      return this.#stop(new RoomError("user_changed", text));
    }
    if (this.#last && this.#last.user !== user) {
      const text = "Another user is signed in: nothing is sent in the name of the one before.";
      this.#ownPresence.forget();
      this.#requests.rejectAll(new RoomError("user_changed", text));
    }
    this.#last = { user, connection };
    this.#catchingUp = { welcome, isLossless: recovered };
    this.#beginWhenCaughtUp();
  }

  #onMessageFrame(frame: MessageFrame): void {
    const verdict = this.#progress.take(frame);
    if (verdict === "hole") {
      const text = `Message ${frame.offset} came, and those before it did not.`;
      return this.#connection.fault(new RoomError("hole", text));
    }
    if (frame.offset !== undefined && frame.from.user === this.#last?.user) {
      this.#requests.delivered(frame.id, frame.offset);
    }
    if (verdict === "new") {
      const { type: _, ...message } = frame;
      this.#listeners.tell("message", message as RoomMessage<Received>);
      for (const queue of this.#iterators) queue.push(message as RoomMessage<Received>);
    }
    this.#beginWhenCaughtUp();
  }

  /** Sends what waits, once everything that was missed has come: then it is known which of it is stored already. */
  #beginWhenCaughtUp(): void {
    const begun = this.#catchingUp;
    if (!begun || !this.#progress.isCaughtUp) return;
    this.#catchingUp = null;
    this.#requests.begin(begun.welcome, begun.isLossless);
    this.#ownPresence.begin();
  }
}
