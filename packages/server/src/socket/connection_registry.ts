import { CLOSE } from "../../../protocol/close_codes.ts";
import type { MonotonicClock } from "../clocks.ts";
import type { Log } from "../observability/log.ts";
import { type DrainPlan, planDrain } from "./drain_plan.ts";
import { HandshakeWatch } from "./handshake_watch.ts";
import type { DrainNotice, Socket } from "./socket.ts";

/** Options of `ConnectionRegistry`. */
export interface ConnectionRegistryOptions {
  readonly id: string;
  readonly maxConnections: number;
  readonly maxConnectionsPerUser: number;
  /**
   * The host's `EdgeRuntime.waitUntil`: an unsettled promise keeps the host from dropping the
   * isolate as idle. The host counts a 101 as an answered request, so an isolate full of sockets
   * would otherwise look idle.
   */
  readonly waitUntil: ((promise: Promise<void>) => void) | undefined;
  /** Returns true if there is too little memory for another connection. */
  readonly isShortOfMemory: () => boolean;
  /** Called when the first socket opens. Must not throw. */
  readonly onFirst: () => void;
  readonly log: Log;
  readonly now: MonotonicClock;
  /** Random number from 0 to below 1. */
  readonly random: () => number;
}

/** Interval at which a drain closes the next sockets. */
const DRAIN_STEP_MS = 50;
/** Time that a drain waits for the last peers to answer their close frames. */
const CLOSE_HANDSHAKE_MS = 1_000;

/** A socket that can be drained. */
export interface DrainableSocket extends Socket {
  /** Bytes buffered for sending, plus bytes queued for its handlers. */
  readonly pendingBytes: number;
  /** Notifies the endpoint and closes the socket with 1012. */
  drain(notice: DrainNotice): void;
}

/** Sockets of one isolate: admission, counts and drain. */
export class ConnectionRegistry {
  readonly id: string;
  /** Ends sockets whose opening or closing handshake does not complete. */
  readonly handshakeWatch = new HandshakeWatch();
  readonly #options: ConnectionRegistryOptions;
  readonly #startedAt: number;
  readonly #sockets = new Set<DrainableSocket>();
  /**
   * Sockets that have not ended for their endpoints; `waitUntil` keeps the isolate alive for these.
   */
  readonly #live = new Set<DrainableSocket>();
  readonly #connectionsOf = new Map<string, number>();
  #hasHadSockets = false;
  #settleWaitUntil: (() => void) | undefined;
  #drainUntil: number | undefined;
  #draining: Promise<void> | undefined;
  #wakeDrain: (() => void) | undefined;

  constructor(options: ConnectionRegistryOptions) {
    this.#options = options;
    this.id = options.id;
    this.#startedAt = options.now();
  }

  /** Number of open sockets, including those whose peers have not answered the close. */
  get count(): number {
    return this.#sockets.size;
  }

  /** True once `drain` was called. */
  get isDraining(): boolean {
    return this.#drainUntil !== undefined;
  }

  /** True if there is too little memory for another connection. */
  get isShortOfMemory(): boolean {
    return this.#options.isShortOfMemory();
  }

  /** Uptime of the isolate, in milliseconds. */
  get ageMs(): number {
    return this.#options.now() - this.#startedAt;
  }

  /** Returns the reason to refuse another connection of this user now; undefined to accept it. */
  refusal(userId: string): "overloaded" | "too_many_connections" | undefined {
    const { maxConnections, maxConnectionsPerUser } = this.#options;
    if (this.isDraining || this.#sockets.size >= maxConnections || this.isShortOfMemory) return "overloaded";
    const ofUser = this.#connectionsOf.get(userId) ?? 0;
    return ofUser >= maxConnectionsPerUser ? "too_many_connections" : undefined;
  }

  /** Counts an open socket. */
  add(socket: DrainableSocket): void {
    if (!this.#hasHadSockets) {
      this.#hasHadSockets = true;
      this.#options.onFirst();
    }
    this.#sockets.add(socket);
    this.#live.add(socket);
    this.#connectionsOf.set(socket.user.id, (this.#connectionsOf.get(socket.user.id) ?? 0) + 1);
    const { waitUntil } = this.#options;
    if (!waitUntil || this.#settleWaitUntil) return;
    waitUntil(new Promise((resolve) => this.#settleWaitUntil = resolve));
  }

  /** Reports that a socket has ended for its endpoint. It counts as a connection until `remove`. */
  ended(socket: DrainableSocket): void {
    if (!this.#live.delete(socket) || this.#live.size > 0) return;
    this.#settleWaitUntil?.();
    this.#settleWaitUntil = undefined;
    this.#wakeDrain?.();
  }

  /** Stops counting a socket. A second call does nothing. */
  remove(socket: DrainableSocket): void {
    this.ended(socket);
    if (!this.#sockets.delete(socket)) return;
    const ofUser = (this.#connectionsOf.get(socket.user.id) ?? 1) - 1;
    if (ofUser > 0) this.#connectionsOf.set(socket.user.id, ofUser);
    else this.#connectionsOf.delete(socket.user.id);
  }

  /** Closes all sockets of a user with 4403. Returns their number. */
  disconnect(userId: string, reason: string = "disconnected by the server"): number {
    if (!this.#connectionsOf.has(userId)) return 0;
    const ofUser = [...this.#live].filter(({ user }) => user.id === userId);
    for (const socket of ofUser) socket.close(CLOSE.notAllowed, reason);
    return ofUser.length;
  }

  /**
   * Refuses new connections and closes the open ones with 1012, by the reason's plan
   * (drain_plan.ts), in at most `spareMs`. A second call can only shorten the time. Resolves when
   * all sockets are closed, or shortly after the time is over.
   */
  drain(reason: string, spareMs: number): Promise<void> {
    const plan = planDrain({ reason, spareMs, sockets: this.#live.size });
    const until = this.#options.now() + plan.withinMs;
    this.#drainUntil = Math.min(this.#drainUntil ?? Infinity, until);
    if (!this.#draining) {
      this.#options.log.info("isolate.draining", {
        reason,
        connections: this.count,
        within_ms: plan.withinMs,
      });
      this.#draining = this.#closeAll(reason, plan);
    }
    this.#wakeDrain?.();
    return this.#draining;
  }

  async #closeAll(
    reason: string,
    { heaviestFirst, isImmediate, reconnectWithinMs }: DrainPlan,
  ): Promise<void> {
    const open = heaviestFirst ? byWeight(this.#live) : [...this.#live];
    for (let closed = 0; closed < open.length;) {
      const leftMs = Math.max(0, (this.#drainUntil ?? 0) - this.#options.now());
      const steps = Math.max(1, Math.ceil(leftMs / DRAIN_STEP_MS));
      const next = closed + Math.ceil((open.length - closed) / steps);
      for (const socket of open.slice(closed, next)) {
        // A drain with several steps spreads the reconnects by itself.
        const spreadMs = steps > 1 ? 0 : reconnectWithinMs;
        socket.drain({
          reason,
          isImmediate,
          reconnectAfterMs: Math.floor(this.#options.random() * spreadMs),
        });
      }
      closed = next;
      if (closed < open.length && this.#live.size > 0) await this.#pause(DRAIN_STEP_MS);
    }
    const giveUpAt = this.#options.now() + CLOSE_HANDSHAKE_MS;
    while (this.#live.size > 0 && this.#options.now() < giveUpAt) await this.#pause(DRAIN_STEP_MS);
    this.handshakeWatch.close();
    this.#options.log.info("isolate.drained", { reason, connections_left: this.count });
  }

  /** Waits until the time is over, the last socket has ended, or the drain is shortened. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wakeDrain = resolve;
    await promise;
    clearTimeout(timer);
  }
}

/** Sorts by pending bytes, most first. Reads them once per socket: each read calls the runtime. */
function byWeight(sockets: Iterable<DrainableSocket>): DrainableSocket[] {
  return Array.from(sockets, (socket) => ({ socket, bytes: socket.pendingBytes }))
    .sort((one, other) => other.bytes - one.bytes)
    .map(({ socket }) => socket);
}
