/** What is known when the end is announced. */
export interface DrainCircumstances {
  /** The host's reason, such as `wall_clock`, or a signal's name. */
  readonly reason: string;
  /** The time that a drain may take where nothing hurries it, in milliseconds. */
  readonly spareMs: number;
  /** Open sockets. */
  readonly sockets: number;
}

/** How an isolate takes leave of its sockets. */
export interface DrainPlan {
  /** Over how long they are closed, in milliseconds. */
  readonly withinMs: number;
  /** Those that hold most of the memory go first. */
  readonly heaviestFirst: boolean;
  /** Hardly any CPU is left: nothing is done that the peer does not need. */
  readonly hurried: boolean;
  /** Peers that are closed all at once are asked to come back within this time, each at its own moment, in milliseconds. */
  readonly reconnectWithinMs: number;
}

/** Memory that peers' unread bytes hold has to be free soon; what is left of the limit then lasts. */
const MEMORY_MS = 1_000;

/**
 * How fast peers are sent to other isolates: a connect costs about half a millisecond of CPU (docs/performance.md), and the isolates
 * that take them in have theirs to do besides.
 */
const RECONNECT_EVERY_MS = 2;
const MIN_RECONNECT_MS = 250;
const MAX_RECONNECT_MS = 10_000;

/**
 * The plan for an isolate's end. The host warns at 90 % of a limit (docs/edge-host.md), so what is left depends on which one:
 *
 * - `wall_clock` leaves tens of seconds, SIGTERM as long as we are let: sockets are closed one after the other, and reconnects spread by themselves.
 * - `memory`: those whose peers do not read go first, all within a second.
 * - `cpu` leaves 0.2 s of CPU, about 2,000 sockets: all at once, and nothing but their last frame and their close.
 * - `early_drop`, `termination` and any other reason leave nothing to plan with: all at once.
 */
export function planDrain({ reason, spareMs, sockets }: DrainCircumstances): DrainPlan {
  const atOnce: DrainPlan = {
    withinMs: 0,
    heaviestFirst: false,
    hurried: false,
    reconnectWithinMs: Math.min(MAX_RECONNECT_MS, Math.max(MIN_RECONNECT_MS, sockets * RECONNECT_EVERY_MS)),
  };
  switch (reason) {
    case "wall_clock":
    case "SIGTERM":
      return { ...atOnce, withinMs: spareMs };
    case "memory":
      return { ...atOnce, withinMs: Math.min(MEMORY_MS, spareMs), heaviestFirst: true };
    case "cpu":
      return { ...atOnce, hurried: true };
    default:
      return atOnce;
  }
}
