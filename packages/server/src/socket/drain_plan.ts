/** Input of a drain plan. */
export interface DrainRequest {
  /** The host's reason, such as `wall_clock`, or the name of a signal. */
  readonly reason: string;
  /** Longest time for a drain whose reason leaves time, in milliseconds. */
  readonly spareMs: number;
  /** Number of open sockets. */
  readonly sockets: number;
}

/** Plan for closing the sockets of an isolate. */
export interface DrainPlan {
  /** Time over which the closes are spread, in milliseconds. */
  readonly withinMs: number;
  /** True if the sockets that hold the most memory close first. */
  readonly heaviestFirst: boolean;
  /** True if almost no CPU time is left: everything that the peer does not need is left out. */
  readonly isImmediate: boolean;
  /**
   * Time over which peers that close all at once are asked to spread their reconnects, in
   * milliseconds.
   */
  readonly reconnectWithinMs: number;
}

/** Time in which memory held by unread bytes must be free; the rest of the limit then suffices. */
const MEMORY_MS = 1_000;

/**
 * Average interval between reconnects. A connect costs about half a millisecond of CPU
 * (docs/performance.md), and the other isolates have their own load too.
 */
const RECONNECT_EVERY_MS = 2;
const MIN_RECONNECT_MS = 250;
const MAX_RECONNECT_MS = 10_000;

/**
 * Plans the end of an isolate. The host warns at 90 % of a limit (docs/edge-host.md), so the
 * remaining time depends on the limit:
 *
 * - `wall_clock` leaves tens of seconds, SIGTERM as long as the process may run. Sockets close one
 *   after the other, which spreads the reconnects.
 * - `memory`: sockets whose peers do not read close first, all within a second.
 * - `cpu` leaves 0.2 s of CPU, about 2,000 sockets. All close at once, with nothing but their last
 *   frame and their close.
 * - `early_drop`, `termination` and any other reason leave no time. All close at once.
 */
export function planDrain({ reason, spareMs, sockets }: DrainRequest): DrainPlan {
  const atOnce: DrainPlan = {
    withinMs: 0,
    heaviestFirst: false,
    isImmediate: false,
    reconnectWithinMs: Math.min(MAX_RECONNECT_MS, Math.max(MIN_RECONNECT_MS, sockets * RECONNECT_EVERY_MS)),
  };
  switch (reason) {
    case "wall_clock":
    case "SIGTERM":
      return { ...atOnce, withinMs: spareMs };
    case "memory":
      return { ...atOnce, withinMs: Math.min(MEMORY_MS, spareMs), heaviestFirst: true };
    case "cpu":
      return { ...atOnce, isImmediate: true };
    default:
      return atOnce;
  }
}
