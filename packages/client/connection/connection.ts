import type { Addresses } from "./addresses.ts";
import type { Clock } from "../clock.ts";
import { diagnose } from "./diagnose.ts";
import { endingOf } from "./close_reasons.ts";
import { RoomError } from "../errors.ts";
import type { ServerFrame, WelcomeFrame } from "../../protocol/frames.ts";
import { type Effect, IDLE, type Machine, type MachineEvent, step, type Timing } from "./machine.ts";
import type { TokenSource, WebSocketClass, WebSocketLike } from "../options.ts";
import type { RoomState } from "../state.ts";
import { askForToken } from "./token.ts";
import { watchWakefulness } from "./page_lifecycle.ts";

/** What a connection is made of, and whom it tells. */
export interface ConnectionParts {
  readonly addresses: Addresses;
  readonly token: TokenSource;
  readonly tokenPlace: "subprotocol" | "query";
  readonly WebSocket: WebSocketClass | undefined;
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
/** Nobody waits for its pong in particular: whatever comes shows that the server is there. */
const PING = '{"type":"ping","id":"ping"}';
/** How long the end of a connection is waited for. */
const CLOSING_MS = 3_000;

/** Does what the state machine says: asks for tokens, opens and closes sockets, keeps the timer. One socket at a time. */
export class Connection {
  readonly #parts: ConnectionParts;
  #machine: Machine = IDLE;
  #socket: WebSocketLike | null = null;
  /** Sockets whose end was not seen yet, replaced ones too. */
  readonly #ending = new Set<Promise<void>>();
  /** Events that came while one was being handled. */
  readonly #events: MachineEvent[] = [];
  #isStepping = false;
  #timer: { readonly dueAt: number; readonly cancel: () => void } | null = null;
  #stopWatching: (() => void) | null = null;
  /** Why the upgrade was refused is being asked. */
  #diagnosis: AbortController | null = null;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** The public state; the same object until it changes. */
  get state(): RoomState {
    return this.#machine.state;
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
    this.#dispatch({ type: "failed", run: this.#machine.run, reason });
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
    await Promise.race([Promise.all(this.#ending), patience]);
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
    const { state } = this.#machine;
    const { machine, effects } = step(this.#machine, event, { now: clock.now(), random, timing });
    this.#machine = machine;
    for (const effect of effects) this.#perform(effect);
    if (machine.state === state) return;
    this.#watchPage(machine.type !== "closed");
    this.#parts.onState(machine.state);
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "ask_token":
        return void this.#askToken(effect.run, effect.refresh);
      case "open_socket":
        return this.#openSocket(effect.run, effect.token);
      case "close_socket":
        return this.#closeSocket(effect.code);
      case "ping":
        return this.#socket?.send(PING);
    }
  }

  async #askToken(run: number, refresh: boolean): Promise<void> {
    try {
      const token = await askForToken(this.#parts.token, refresh);
      this.#dispatch({ type: "token", run, token });
    } catch (reason) {
      if (!(reason instanceof RoomError)) throw reason;
      this.#dispatch({ type: "failed", run, reason });
    }
  }

  #openSocket(run: number, token: string): void {
    const { addresses, tokenPlace, WebSocket, query } = this.#parts;
    if (!WebSocket) return;
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
      const reason = new RoomError("invalid_token", "The token cannot be sent.");
      return this.#dispatch({ type: "failed", run, reason });
    }
    this.#socket = socket;
    let wasOpen = false;
    socket.addEventListener("open", () => wasOpen = true);
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket === socket) this.#receive(run, data, socket);
    });
    const ending = new Promise<void>((resolve) => {
      const end = (code: number, reason: string) => {
        this.#ending.delete(ending);
        resolve();
        if (this.#socket !== socket) return;
        this.#socket = null;
        if (wasOpen) this.#dispatch({ type: "failed", run, reason: endingOf(code, reason) });
        else void this.#diagnose(run, token);
      };
      // Deno says 0 where others say 1006.
      socket.addEventListener("close", ({ code, reason }) => end(code || 1006, reason));
      // After the error of a socket that was never open Node 22 has no close.
      socket.addEventListener("error", () => {
        if (!wasOpen) end(1006, "");
      });
    });
    this.#ending.add(ending);
  }

  #closeSocket(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#diagnosis?.abort();
    this.#diagnosis = null;
    // Deno 2.1.4 leaves out the code when there is no reason.
    socket?.close(code, "client");
  }

  #receive(run: number, data: unknown, socket: WebSocketLike): void {
    const frames = parseFrames(data);
    if (!frames) return this.fault(new RoomError("hole", "The server sent what is not a frame."));
    this.#dispatch({ type: "received", run });
    for (const frame of frames) {
      const { type } = frame;
      if (type === "welcome") {
        const resumed = this.#parts.onWelcome(frame);
        this.#dispatch({ type, run, welcome: frame, resumed });
      } else if (type === "draining" || type === "error") {
        const ms = type === "error" ? frame.retry_after_ms : frame.reconnect_after_ms;
        if (ms !== undefined) this.#dispatch({ type: "told_to_wait", run, ms });
      }
      // One of them may have ended the connection.
      if (this.#socket === socket) this.#parts.onFrame(frame);
    }
  }

  /** A browser does not tell why an upgrade was refused. */
  async #diagnose(run: number, token: string): Promise<void> {
    const { addresses, fetch, query } = this.#parts;
    this.#diagnosis = new AbortController();
    const { signal } = this.#diagnosis;
    const reason = await diagnose(token, { addresses, fetch, signal, history: query()["history"] });
    this.#dispatch({ type: "failed", run, reason });
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
