import type { Addresses } from "./addresses.ts";
import type { Clock } from "./clock.ts";
import { diagnose } from "./diagnose.ts";
import { RoomError } from "./errors.ts";
import type { ServerFrame, WelcomeFrame } from "./frames.ts";
import {
  type Effect,
  IDLE,
  type Machine,
  type MachineEvent,
  step,
  type Surroundings,
  type Timing,
} from "./machine.ts";
import type { TokenAnswer, TokenSource, WebSocketClass, WebSocketLike } from "./options.ts";
import type { RoomState } from "./state.ts";
import { watchWakefulness } from "./wakefulness.ts";

/** What a connection is made of, and whom it tells. */
export interface ConnectionParts {
  readonly addresses: Addresses;
  readonly token: TokenSource;
  readonly tokenPlace: "subprotocol" | "query";
  readonly WebSocket: WebSocketClass;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: Timing;
  /** The query of the next address: from where messages are wanted. */
  readonly query: () => Readonly<Record<string, string>>;
  /** Called with the first frame, before the state is `live`. Returns whether the connection resumed. */
  readonly onWelcome: (welcome: WelcomeFrame) => boolean;
  readonly onState: (state: RoomState) => void;
  /** Every frame, in order. */
  readonly onFrame: (frame: ServerFrame) => void;
}

const REALTIME_V1 = "realtime.v1";
/** How long the end of a connection is waited for. */
const CLOSING_MS = 3_000;

/** Does what the state machine says: asks for tokens, opens and closes sockets, keeps the timer. One socket at a time. */
export class Connection {
  readonly #parts: ConnectionParts;
  #machine: Machine = IDLE;
  #state: RoomState = { type: "idle" };
  #socket: WebSocketLike | null = null;
  /** Sockets whose end was not seen yet, replaced ones too. */
  readonly #ending = new Map<WebSocketLike, Promise<void>>();
  /** Events that came while one was being handled. */
  readonly #events: MachineEvent[] = [];
  #isStepping = false;
  #timer: { readonly dueAt: number; readonly cancel: () => void } | null = null;
  #stopWatching: (() => void) | null = null;
  #pings = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** The public state; the same object until it changes. */
  get state(): RoomState {
    return this.#state;
  }

  /** Begins, or begins again after the end. */
  open(): void {
    this.#dispatch({ type: "open" });
  }

  /** Ends for the reason; nothing when it has ended. */
  stop(reason: RoomError): void {
    this.#dispatch({ type: "stop", reason });
  }

  /** Drops the connection and makes another at once. */
  reconnect(): void {
    this.#dispatch({ type: "reconnect" });
  }

  /** What came cannot be right: drops the connection and resumes. */
  fault(reason: RoomError): void {
    this.#dispatch({ type: "faulty", run: this.#machine.run, reason });
  }

  /** Sends one WebSocket message, if there is a connection. */
  send(text: string): void {
    this.#socket?.send(text);
    this.#dispatch({ type: "sent", run: this.#machine.run });
  }

  /** Resolves when every socket has ended, or after three seconds: one whose peer is gone may take minutes. */
  async ended(): Promise<void> {
    let cancel = () => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.#parts.clock.setTimer(resolve, CLOSING_MS);
    });
    await Promise.race([Promise.all(this.#ending.values()), patience]);
    cancel();
  }

  #dispatch(event: MachineEvent): void {
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#step(next);
    } finally {
      this.#isStepping = false;
      this.#setTimer();
    }
  }

  #step(event: MachineEvent): void {
    const { clock, random, timing } = this.#parts;
    const world: Surroundings = { now: clock.now(), random, timing };
    const { machine, effects } = step(this.#machine, event, world);
    this.#machine = machine;
    for (const effect of effects) this.#perform(effect);
    const state = roomState(machine);
    if (!isSame(state, this.#state)) {
      this.#state = state;
      this.#watchPage(state.type !== "idle" && state.type !== "closed");
      this.#parts.onState(state);
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "ask_token":
        return void this.#askToken(effect.run, effect.refresh);
      case "open_socket":
        return this.#openSocket(effect.run, effect.token);
      case "diagnose":
        return void this.#diagnose(effect.run, effect.token);
      case "close_socket":
        return this.#closeSocket(effect.code);
      case "ping":
        return this.#socket?.send(JSON.stringify({ type: "ping", id: `ping-${++this.#pings}` }));
    }
  }

  async #askToken(run: number, refresh: boolean): Promise<void> {
    let token: TokenAnswer;
    try {
      token = await this.#parts.token({ refresh });
    } catch (cause) {
      const reason = new RoomError("token_failed", "The token callback failed.", { cause });
      return this.#dispatch({ type: "token_failed", run, reason });
    }
    this.#dispatch({ type: "token", run, token });
  }

  #openSocket(run: number, token: string): void {
    const { addresses, tokenPlace, WebSocket, query } = this.#parts;
    const url = new URL(addresses.socket);
    for (const [name, value] of Object.entries(query())) url.searchParams.set(name, value);
    const protocols = [REALTIME_V1];
    if (tokenPlace === "query") url.searchParams.set("token", token);
    else protocols.push(`jwt-${token}`);
    let socket: WebSocketLike;
    try {
      socket = new WebSocket(url.href, protocols);
    } catch {
      // What was thrown would say the token.
      const reason = new RoomError("invalid_token", "The token holds what cannot be sent as one.");
      this.#dispatch({ type: "faulty", run, reason });
      return;
    }
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket;
    socket.addEventListener("open", () => this.#dispatch({ type: "opened", run }));
    socket.addEventListener("message", ({ data }) => {
      if (isCurrent()) this.#receive(run, data, isCurrent);
    });
    // Its end says all there is to know.
    socket.addEventListener("error", () => {});
    const ending = new Promise<void>((resolve) => {
      socket.addEventListener("close", ({ code }) => {
        this.#ending.delete(socket);
        if (isCurrent()) {
          this.#socket = null;
          this.#dispatch({ type: "ended", run, closeCode: code });
        }
        resolve();
      });
    });
    this.#ending.set(socket, ending);
  }

  #closeSocket(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    // Deno 2.1.4 leaves out the code when there is no reason.
    socket?.close(code, "client");
  }

  #receive(run: number, data: unknown, isCurrent: () => boolean): void {
    const frames = parseFrames(data);
    if (!frames) return this.fault(new RoomError("hole", "The server sent what is not a frame."));
    this.#dispatch({ type: "received", run });
    for (const frame of frames) {
      if (frame.type === "welcome") {
        const resumed = this.#parts.onWelcome(frame);
        this.#dispatch({ type: "welcome", run, welcome: frame, resumed });
      } else if (frame.type === "draining") {
        this.#dispatch({ type: "told_to_wait", run, ms: frame.reconnect_after_ms });
      } else if (frame.type === "error" && frame.retry_after_ms !== undefined) {
        this.#dispatch({ type: "told_to_wait", run, ms: frame.retry_after_ms });
      }
      // A frame may have ended the connection.
      if (!isCurrent()) return;
      this.#parts.onFrame(frame);
      if (!isCurrent()) return;
    }
  }

  async #diagnose(run: number, token: string): Promise<void> {
    const { addresses, fetch, query, timing } = this.#parts;
    const signal = AbortSignal.timeout(timing.connectMs);
    const reason = await diagnose(token, { addresses, fetch, signal, history: query()["history"] });
    this.#dispatch({ type: "diagnosed", run, reason });
  }

  /** One timer, for the moment at which the machine is to be looked at again; one that is set too early only looks once more. */
  #setTimer(): void {
    const machine = this.#machine;
    const dueAt = "dueAt" in machine ? machine.dueAt : Infinity;
    if (this.#timer && dueAt !== Infinity && this.#timer.dueAt <= dueAt) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (dueAt === Infinity) return;
    const cancel = this.#parts.clock.setTimer(() => {
      this.#timer = null;
      this.#dispatch({ type: "due" });
    }, dueAt - this.#parts.clock.now());
    this.#timer = { dueAt, cancel };
  }

  #watchPage(isNeeded: boolean): void {
    if (isNeeded) this.#stopWatching ??= watchWakefulness(() => this.#dispatch({ type: "wake" }));
    else {
      this.#stopWatching?.();
      this.#stopWatching = null;
    }
  }
}

/** The frames of one WebSocket message, or null when it holds none. */
function parseFrames(data: unknown): ServerFrame[] | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    // The server keeps to docs/protocol.md; what it does not know yet has a type that nobody asks for.
    return (Array.isArray(value) ? value : [value]) as ServerFrame[];
  } catch {
    return null;
  }
}

function roomState(machine: Machine): RoomState {
  const { type, failures } = machine;
  switch (type) {
    case "idle":
      return { type };
    case "token":
    case "socket":
    case "diagnosis":
      return { type: "connecting", attempt: failures };
    case "live":
      return { type, connection: machine.connection, user: machine.user, recovered: machine.recovered };
    case "waiting":
      return { type, attempt: failures, retryAt: machine.dueAt, reason: machine.reason };
    case "closed":
      return { type, reason: machine.reason };
  }
}

function isSame(one: RoomState, other: RoomState): boolean {
  const others = new Map<string, unknown>(Object.entries(other));
  return one.type === other.type && Object.entries(one).every(([name, value]) => others.get(name) === value);
}
