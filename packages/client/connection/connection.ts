import type { ServerFrame, WelcomeFrame } from "../../protocol/frames.ts";
import { REALTIME_V1, TOKEN_SUBPROTOCOL_PREFIX } from "../../protocol/subprotocols.ts";
import type { Clock } from "../clock.ts";
import { RoomError } from "../errors.ts";
import type { TokenSource, WebSocketClass, WebSocketLike } from "../options.ts";
import type { RoomState } from "../state.ts";
import type { Addresses } from "./addresses.ts";
import { closeReason } from "./close_reasons.ts";
import { diagnose } from "./diagnose.ts";
import { IDLE, step } from "./machine.ts";
import type { Effect, Machine, MachineEvent, Timing } from "./machine_state.ts";
import { watchPageLifecycle } from "./page_lifecycle.ts";
import { askForToken } from "./token.ts";

/** Dependencies and callbacks of a connection. */
export interface ConnectionDeps {
  readonly addresses: Addresses;
  readonly token: TokenSource;
  readonly tokenPlace: "subprotocol" | "query";
  readonly WebSocket: WebSocketClass | undefined;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: Timing;
  /** Query of the next address: the messages to replay. */
  readonly query: () => Readonly<Record<string, string>>;
  /**
   * Called with the first frame, before the state is `live`. Returns whether the connection
   * resumed.
   */
  readonly onWelcome: (welcome: WelcomeFrame) => boolean;
  readonly onState: (state: RoomState) => void;
  /** Every frame, in order. */
  readonly onFrame: (frame: ServerFrame) => void;
}

/** Probe. Its pong is not matched: any frame shows that the server is alive. */
const PING = '{"type":"ping","id":"ping"}';
/** Longest wait for the end of a connection, in milliseconds. */
const CLOSING_MS = 3_000;

/**
 * Performs the effects of the state machine: token requests, sockets, one timer. One socket at a
 * time.
 */
export class Connection {
  readonly #deps: ConnectionDeps;
  #machine: Machine = IDLE;
  #socket: WebSocketLike | null = null;
  /** Sockets that have not ended yet, replaced ones included. */
  readonly #ending = new Set<Promise<void>>();
  /** Events that arrived during a step. */
  readonly #events: MachineEvent[] = [];
  #isStepping = false;
  #timer: { readonly dueAt: number; readonly cancel: () => void } | null = null;
  #stopWatching: (() => void) | null = null;
  /** Diagnosis of a refused upgrade in progress. */
  #diagnosis: AbortController | null = null;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  /** The public state; the same object until it changes. */
  get state(): RoomState {
    return this.#machine.state;
  }

  /** Opens the connection, also after its end. */
  open(): void {
    this.#dispatch({ type: "open" });
  }

  /** Ends the connection for a reason. Does nothing after the end. */
  stop(reason: RoomError): void {
    this.#dispatch({ type: "stop", reason });
  }

  /** Drops the connection and opens another at once. */
  reconnect(): void {
    this.#dispatch({ type: "reconnect" });
  }

  /** Drops the connection and resumes after invalid data from the server. */
  fault(reason: RoomError): void {
    this.#dispatch({ type: "failed", run: this.#machine.run, reason });
  }

  /** Sends one WebSocket message if there is a connection. */
  send(text: string): void {
    this.#socket?.send(text);
    this.#dispatch({ type: "sent", run: this.#machine.run });
  }

  /** Resolves once every socket has ended, or after three seconds: a lost peer may take minutes. */
  async ended(): Promise<void> {
    let cancel = () => {};
    const timedOut = new Promise<void>((resolve) => {
      cancel = this.#deps.clock.setTimer(resolve, CLOSING_MS);
    });
    await Promise.race([Promise.all(this.#ending), timedOut]);
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
    const { clock, random, timing } = this.#deps;
    const { state } = this.#machine;
    const { machine, effects } = step(this.#machine, event, { now: clock.now(), random, timing });
    this.#machine = machine;
    for (const effect of effects) this.#perform(effect);
    if (machine.state === state) return;
    this.#watchPage(machine.type !== "closed");
    this.#deps.onState(machine.state);
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
      const token = await askForToken(this.#deps.token, refresh);
      this.#dispatch({ type: "token", run, token });
    } catch (reason) {
      if (!(reason instanceof RoomError)) throw reason;
      this.#dispatch({ type: "failed", run, reason });
    }
  }

  #openSocket(run: number, token: string): void {
    const { addresses, tokenPlace, WebSocket, query } = this.#deps;
    if (!WebSocket) return;
    const url = new URL(addresses.socket);
    for (const [name, value] of Object.entries(query())) url.searchParams.set(name, value);
    const protocols = [REALTIME_V1];
    if (tokenPlace === "query") url.searchParams.set("token", token);
    else protocols.push(TOKEN_SUBPROTOCOL_PREFIX + token);
    let socket: WebSocketLike;
    try {
      socket = new WebSocket(url.href, protocols);
    } catch {
      // The thrown error contains the token.
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
        if (wasOpen) this.#dispatch({ type: "failed", run, reason: closeReason(code, reason) });
        else void this.#diagnose(run, token);
      };
      // Deno reports 0 instead of 1006.
      socket.addEventListener("close", ({ code, reason }) => end(code || 1006, reason));
      // Node 22 sends no close event after the error of a socket that never opened.
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
    // Deno 2.1.4 omits the code without a reason.
    socket?.close(code, "client");
  }

  #receive(run: number, data: unknown, socket: WebSocketLike): void {
    const frames = parseFrames(data);
    if (!frames) return this.fault(new RoomError("hole", "The server sent an invalid frame."));
    this.#dispatch({ type: "received", run });
    for (const frame of frames) {
      const { type } = frame;
      if (type === "welcome") {
        const resumed = this.#deps.onWelcome(frame);
        this.#dispatch({ type, run, welcome: frame, resumed });
      } else if (type === "draining" || type === "error") {
        const ms = type === "error" ? frame.retry_after_ms : frame.reconnect_after_ms;
        if (ms !== undefined) this.#dispatch({ type: "retry_after", run, ms });
      }
      // A frame of the same message may have ended the connection.
      if (this.#socket === socket) this.#deps.onFrame(frame);
    }
  }

  /** Finds the reason of a refused upgrade, which browsers hide. */
  async #diagnose(run: number, token: string): Promise<void> {
    const { addresses, fetch, query } = this.#deps;
    this.#diagnosis = new AbortController();
    const { signal } = this.#diagnosis;
    const reason = await diagnose(token, { addresses, fetch, signal, history: query()["history"] });
    this.#dispatch({ type: "failed", run, reason });
  }

  /**
   * Sets the timer for the machine's deadline. An earlier timer stays: it only checks once more.
   */
  #setTimer(): void {
    const machine = this.#machine;
    const dueAt = "dueAt" in machine ? machine.dueAt : Infinity;
    if (this.#timer && dueAt !== Infinity && this.#timer.dueAt <= dueAt) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (dueAt === Infinity) return;
    const cancel = this.#deps.clock.setTimer(() => {
      this.#timer = null;
      this.#dispatch({ type: "due" });
    }, dueAt - this.#deps.clock.now());
    this.#timer = { dueAt, cancel };
  }

  #watchPage(isNeeded: boolean): void {
    if (isNeeded) this.#stopWatching ??= watchPageLifecycle(() => this.#dispatch({ type: "wake" }));
    else {
      this.#stopWatching?.();
      this.#stopWatching = null;
    }
  }
}

/** Parses the frames of one WebSocket message. Returns null if it is not JSON text. */
function parseFrames(data: unknown): ServerFrame[] | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    // The server follows docs/protocol.md. Unknown types of newer servers are ignored.
    return (Array.isArray(value) ? value : [value]) as ServerFrame[];
  } catch {
    return null;
  }
}
