import type { Log } from "../observability/log.ts";
import { type DrainPlan, planDrain } from "./drain_plan.ts";
import { HandshakeWatch } from "./handshake_watch.ts";
import type { DrainNotice, Socket } from "./socket.ts";

/** How an isolate is set up. */
export interface ConnectionRegistryOptions {
  readonly id: string;
  readonly maxConnections: number;
  readonly maxConnectionsPerUser: number;
  /**
   * The host's `EdgeRuntime.waitUntil`: a promise that is not settled keeps the isolate from being dropped as idle. A
   * 101 counts as an answered request, so without this an isolate full of sockets looks idle.
   */
  readonly waitUntil: ((promise: Promise<void>) => void) | undefined;
  /** Whether there is too little memory for one more connection. */
  readonly isShortOfMemory: () => boolean;
  readonly log: Log;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** How often a drain closes the next few sockets. */
const DRAIN_STEP_MS = 50;
/** How long a drain waits for the last peers to answer its close frames. */
const CLOSE_HANDSHAKE_MS = 1_000;

/** A socket that can be told of the isolate's end. */
export interface DrainableSocket extends Socket {
  /** Bytes that wait in it: to be sent, or to be handled. */
  readonly waitingBytes: number;
  /** Tells its endpoint and closes it with 1012. */
  drain(notice: DrainNotice): void;
}

/** The sockets of one isolate, and its end. */
export class ConnectionRegistry {
  readonly id: string;
  /** Gives up on sockets that do not open. */
  readonly handshakeWatch = new HandshakeWatch();
  readonly #options: ConnectionRegistryOptions;
  readonly #startedAt: number;
  readonly #sockets = new Set<DrainableSocket>();
  /** Those of them that have not ended for their endpoints: what the isolate is kept alive for. */
  readonly #live = new Set<DrainableSocket>();
  readonly #connectionsOf = new Map<string, number>();
  #settleWaitUntil: (() => void) | undefined;
  #drainUntil: number | undefined;
  #draining: Promise<void> | undefined;
  #wakeDrain: (() => void) | undefined;

  constructor(options: ConnectionRegistryOptions) {
    this.#options = options;
    this.id = options.id;
    this.#startedAt = options.now();
  }

  /** Open sockets, those included whose peers do not answer our close. */
  get count(): number {
    return this.#sockets.size;
  }

  /** True from the first call of `drain` on. */
  get isDraining(): boolean {
    return this.#drainUntil !== undefined;
  }

  /** How long the isolate has been up, in milliseconds. */
  get ageMs(): number {
    return this.#options.now() - this.#startedAt;
  }

  /** Why one more connection of this user is not taken right now, or undefined when it is. */
  refusal(userId: string): "overloaded" | "too_many_connections" | undefined {
    const { maxConnections, isShortOfMemory } = this.#options;
    if (this.isDraining || this.#sockets.size >= maxConnections || isShortOfMemory()) return "overloaded";
    const ofUser = this.#connectionsOf.get(userId) ?? 0;
    return ofUser >= this.#options.maxConnectionsPerUser ? "too_many_connections" : undefined;
  }

  /** Counts a socket in. */
  add(socket: DrainableSocket): void {
    this.#sockets.add(socket);
    this.#live.add(socket);
    this.#connectionsOf.set(socket.user.id, (this.#connectionsOf.get(socket.user.id) ?? 0) + 1);
    const { waitUntil } = this.#options;
    if (!waitUntil || this.#settleWaitUntil) return;
    waitUntil(new Promise((resolve) => this.#settleWaitUntil = resolve));
  }

  /** A socket has ended for its endpoint; it counts as a connection until it is removed. */
  ended(socket: DrainableSocket): void {
    if (!this.#live.delete(socket) || this.#live.size > 0) return;
    this.#settleWaitUntil?.();
    this.#settleWaitUntil = undefined;
    this.#wakeDrain?.();
  }

  /** Counts a socket out. Counting out twice does nothing. */
  remove(socket: DrainableSocket): void {
    this.ended(socket);
    if (!this.#sockets.delete(socket)) return;
    const ofUser = (this.#connectionsOf.get(socket.user.id) ?? 1) - 1;
    if (ofUser > 0) this.#connectionsOf.set(socket.user.id, ofUser);
    else this.#connectionsOf.delete(socket.user.id);
  }

  /**
   * Takes no new connections from now on and closes the open ones with 1012, as the reason's plan says (drain_plan.ts), in at most
   * `spareMs`. A second call can only shorten the time. Resolves when all are closed, or shortly after the
   * time is over.
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

  async #closeAll(reason: string, { heaviestFirst, hurried, reconnectWithinMs }: DrainPlan): Promise<void> {
    const open = heaviestFirst ? byWeight(this.#live) : [...this.#live];
    for (let closed = 0; closed < open.length;) {
      const leftMs = Math.max(0, (this.#drainUntil ?? 0) - this.#options.now());
      const steps = Math.max(1, Math.ceil(leftMs / DRAIN_STEP_MS));
      const next = closed + Math.ceil((open.length - closed) / steps);
      for (const socket of open.slice(closed, next)) {
        // A drain that takes its time spreads the reconnects by itself.
        const spreadMs = steps > 1 ? 0 : reconnectWithinMs;
        socket.drain({ reason, hurried, reconnectAfterMs: Math.floor(this.#options.random() * spreadMs) });
      }
      closed = next;
      if (closed < open.length && this.#live.size > 0) await this.#pause(DRAIN_STEP_MS);
    }
    const patience = this.#options.now() + CLOSE_HANDSHAKE_MS;
    while (this.#live.size > 0 && this.#options.now() < patience) await this.#pause(DRAIN_STEP_MS);
    this.handshakeWatch.close();
    this.#options.log.info("isolate.drained", { reason, connections_left: this.count });
  }

  /** Waits, but no longer than until the last socket is gone or the time is shortened. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wakeDrain = resolve;
    await promise;
    clearTimeout(timer);
  }
}

/** The heaviest first. What waits is asked for once a socket: it is a call into the runtime. */
function byWeight(sockets: Iterable<DrainableSocket>): DrainableSocket[] {
  return Array.from(sockets, (socket) => ({ socket, bytes: socket.waitingBytes }))
    .sort((one, other) => other.bytes - one.bytes)
    .map(({ socket }) => socket);
}
