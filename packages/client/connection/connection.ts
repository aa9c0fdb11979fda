import type { ServerFrame } from "../../protocol/frames.ts";
import { CLIENT_CLOSE } from "../../protocol/close_codes.ts";
import { REALTIME_V1, TOKEN_SUBPROTOCOL_PREFIX } from "../../protocol/subprotocols.ts";
import type { Clock } from "../clock.ts";
import { RoomError } from "../errors.ts";
import type { TicketSource, TokenSource, WebSocketClass, WebSocketLike } from "../options.ts";
import type { LinkEvents, RoomLink } from "../room_link.ts";
import { SendQueue } from "../send_queue.ts";
import type { RoomState } from "../state.ts";
import { within } from "../within.ts";
import type { Addresses } from "./addresses.ts";
import { closeReason, type LastFrame } from "./close_reasons.ts";
import { diagnose } from "./diagnose.ts";
import { IDLE, step } from "./machine.ts";
import type { Effect, Greeting, Machine, MachineEvent, Timing } from "./machine_state.ts";
import { watchPageLifecycle } from "./page_lifecycle.ts";
import { askForToken } from "./token.ts";
import { LATE_MS } from "./watchdog.ts";

/** Dependencies and callbacks of a connection. */
export interface ConnectionDeps extends LinkEvents {
  readonly addresses: Addresses;
  readonly token: TokenSource;
  readonly tokenPlace: "subprotocol" | "query";
  readonly ticket: TicketSource | undefined;
  readonly WebSocket: WebSocketClass | undefined;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timing: Timing;
  /** Makes the connection live as soon as its socket is open. Without it, `welcome` does. */
  readonly greeting?: () => Greeting;
}

/** Probe. Its pong is not matched: any frame shows that the server is alive. */
const PING = '{"type":"ping","id":"ping"}';
/** Longest wait for the end of a connection, in milliseconds. */
const CLOSING_MS = 3_000;

/**
 * Performs the effects of the state machine: token requests, sockets, one timer. One socket at a
 * time.
 */
export class Connection implements RoomLink {
  readonly queue: SendQueue;
  readonly #deps: ConnectionDeps;
  #machine: Machine = IDLE;
  #socket: WebSocketLike | null = null;
  /** End of the last socket. */
  #ending: Promise<void> | null = null;
  /** Last frame of the socket. */
  #last: LastFrame = {};
  /** Events that arrived during a step. */
  readonly #events: MachineEvent[] = [];
  #isStepping = false;
  /** Due time of the timer; infinite without one. */
  #timerAt = Infinity;
  #cancelTimer = () => {};
  #stopWatching: (() => void) | null = null;
  /** Diagnosis of the last refused upgrade. */
  #diagnosis: AbortController | null = null;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.queue = new SendQueue({ clock: deps.clock, send: (text) => this.#send(text) });
  }

  get state(): RoomState {
    return this.#machine.state;
  }

  open(): void {
    this.#dispatch({ type: "open" });
  }

  stop(reason: RoomError): void {
    this.#dispatch({ type: "stop", reason });
  }

  reconnect(): void {
    this.#dispatch({ type: "reconnect" });
  }

  /** Checks if the server is still there, with a ping. */
  probe(): void {
    this.#dispatch({ type: "wake" });
  }

  fault(reason: RoomError): void {
    this.#fail(this.#machine.run, reason);
  }

  ended(): Promise<void> {
    return within(this.#ending, CLOSING_MS, this.#deps.clock);
  }

  #send(text: string): void {
    this.#socket?.send(text);
    this.#dispatch({ type: "sent", run: this.#machine.run });
  }

  #fail(run: number, reason: RoomError): void {
    this.#dispatch({ type: "failed", run, reason });
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
    const [machine, effects = []] = step(this.#machine, event, {
      now: clock.now(),
      wallNow: clock.wallNow(),
      random,
      timing,
    });
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
        return void this.#openSocket(effect.run, effect.token);
      case "close_socket":
        return this.#closeSocket(effect.code);
      case "ping":
        return this.#socket?.send(PING);
    }
  }

  async #askToken(run: number, refresh: boolean): Promise<void> {
    await askForToken(this.#deps.token, refresh).then(
      (token) => this.#dispatch({ type: "token", run, token }),
      (reason: RoomError) => this.#fail(run, reason),
    );
  }

  /** Synchronous without a ticket. Never rejects. */
  async #openSocket(run: number, token: string): Promise<void> {
    const { addresses, tokenPlace, ticket, WebSocket, query, greeting } = this.#deps;
    if (!WebSocket) return;
    const url = new URL(addresses.socket);
    // Its constructor makes text of numbers.
    url.search = `${new URLSearchParams(query() as Record<string, string>)}`;
    const protocols = [REALTIME_V1];
    if (ticket) {
      const value = await ticket(token, this.#deps).catch((reason) => `${this.#fail(run, reason)}`);
      // It failed, or the connection was given up meanwhile.
      if (run !== this.#machine.run) return;
      url.searchParams.set("ticket", value);
    } else if (tokenPlace === "query") url.searchParams.set("token", token);
    else protocols.push(TOKEN_SUBPROTOCOL_PREFIX + token);
    let socket: WebSocketLike;
    try {
      socket = new WebSocket(url.href, protocols);
    } catch {
      // The thrown error contains the token.
      return this.#fail(run, new RoomError("invalid_token", "The token cannot be sent."));
    }
    this.#socket = socket;
    this.#last = {};
    let wasOpen = false;
    socket.addEventListener("open", () => {
      wasOpen = true;
      if (!greeting || this.#socket !== socket) return;
      this.#dispatch({ type: "welcome", run, welcome: greeting(), resumed: false });
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket === socket) this.#receive(run, data, socket);
    });
    this.#ending = new Promise<void>((resolve) => {
      const end = (code: number, reason: string) => {
        resolve();
        if (this.#socket !== socket) return;
        this.#socket = null;
        if (wasOpen) this.#fail(run, closeReason(code, reason, this.#last));
        else void this.#diagnose(run, token);
      };
      // Deno reports 0 instead of 1006.
      socket.addEventListener("close", ({ code, reason }) => end(code || 1006, reason));
      // Node 22 sends no close event after the error of a socket that never opened.
      socket.addEventListener("error", () => {
        if (!wasOpen) end(1006, "");
      });
    });
  }

  #closeSocket(code: number): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#diagnosis?.abort();
    // Nobody waits for the end of a connection that was given up.
    if (code !== CLIENT_CLOSE.done) this.#ending = null;
    // Deno 2.1.4 omits the code without a reason.
    socket?.close(code, "client");
  }

  #receive(run: number, data: unknown, socket: WebSocketLike): void {
    let frames: ServerFrame[];
    try {
      // One frame or several. Binary data is no JSON as a string. The server follows
      // docs/protocol.md; unknown types of newer servers are ignored.
      frames = [JSON.parse(data as string)].flat();
    } catch {
      return this.fault(new RoomError("hole", "The server sent an invalid frame."));
    }
    this.#dispatch({ type: "received", run });
    for (const frame of frames) {
      this.#last = frame;
      const { type } = frame;
      if (type === "welcome") {
        const resumed = this.#deps.onWelcome(frame);
        this.#dispatch({ type, run, welcome: frame, resumed });
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
    const reason = await diagnose(token, { addresses, fetch, signal, history: query().history });
    this.#fail(run, reason);
  }

  /**
   * Sets the timer for the machine's deadline. An earlier timer stays: it only checks once more.
   */
  #setTimer(): void {
    const { dueAt } = this.#machine;
    if (this.#timerAt <= dueAt && dueAt !== Infinity) return;
    this.#cancelTimer();
    this.#timerAt = dueAt;
    if (dueAt === Infinity) return;
    const { clock } = this.#deps;
    const ms = dueAt - clock.now();
    const wallDueAt = clock.wallNow() + ms;
    this.#cancelTimer = clock.setTimer(() => {
      this.#timerAt = Infinity;
      // The machine slept, or somebody set the clock: then a probe does no harm.
      this.#dispatch({ type: clock.wallNow() - wallDueAt > LATE_MS ? "wake" : "due" });
    }, ms);
  }

  #watchPage(isNeeded: boolean): void {
    if (isNeeded) {
      this.#stopWatching ??= watchPageLifecycle((isHidden) => {
        if (!isHidden) return this.#dispatch({ type: "wake" });
        // Leaving the page is leaving, so this is a normal close. No timer may fire until the page
        // is shown again.
        this.#closeSocket(CLIENT_CLOSE.done);
        this.fault(new RoomError("disconnected", "The page is hidden."));
        this.#cancelTimer();
        this.#timerAt = Infinity;
      });
    } else {
      this.#stopWatching?.();
      this.#stopWatching = null;
    }
  }
}
