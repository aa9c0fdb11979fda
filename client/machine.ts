/**
 * The connection's state machine: one pure function from a state and an event to the next state and what is to be done. It knows
 * neither sockets nor timers: time and chance are passed in. Every state but `idle` and `closed` has a moment, `dueAt`, at which it
 * is looked at again whatever else happens, so none can be stuck.
 */
import { type BackoffBounds, backoffMs } from "./backoff.ts";
import { CLOSE, reactionTo, readEnding } from "./endings.ts";
import { RoomError } from "./errors.ts";
import type { WelcomeFrame } from "./frames.ts";
import { heard, isDueAt, watch } from "./watchdog.ts";

/** How long each step may take, in milliseconds. */
export interface Timing {
  readonly tokenMs: number;
  readonly connectMs: number;
  readonly probeMs: number;
  readonly retry: BackoffBounds;
}

/** What a connection has to hold out before the failures before it are forgotten, in milliseconds. */
const STABLE_MS = 10_000;
/** What asking why an upgrade was refused may take. */
const DIAGNOSIS_MS = 10_000;

interface Common {
  /** Counts what was begun: an answer to something older is not listened to. */
  readonly run: number;
  /** Failures in a row. */
  readonly failures: number;
  /** The next token has to be a fresh one. */
  readonly refresh: boolean;
  /** The server said not to come back before. */
  readonly notBefore: number;
}

/** What a live connection's watchdog goes by; watchdog.ts. */
export interface Liveness {
  readonly heartbeatMs: number;
  readonly receivedAt: number;
  readonly sentAt: number;
  /** When the server was last asked whether it is there, and how often without an answer. */
  readonly probedAt: number;
  readonly probes: number;
}

type Phase =
  | { readonly type: "idle" }
  | { readonly type: "token"; readonly dueAt: number }
  | { readonly type: "socket"; readonly token: string; readonly isOpen: boolean; readonly dueAt: number }
  | { readonly type: "diagnosis"; readonly dueAt: number }
  | Liveness & {
    readonly type: "live";
    readonly since: number;
    readonly connection: string;
    readonly user: string;
    readonly recovered: boolean | null;
    readonly dueAt: number;
  }
  | { readonly type: "waiting"; readonly reason: RoomError; readonly dueAt: number }
  | { readonly type: "closed"; readonly reason: RoomError };

/** A state, with what is remembered between attempts. */
export type Machine = Common & Phase;
/** The machine while messages flow. */
export type LiveMachine = Extract<Machine, { type: "live" }>;

/** What happens to the machine. `run` says which effect an event answers. */
export type MachineEvent =
  | { readonly type: "open" }
  | { readonly type: "stop"; readonly reason: RoomError }
  | { readonly type: "token"; readonly run: number; readonly token: string | null | undefined }
  | { readonly type: "token_failed"; readonly run: number; readonly reason: RoomError }
  | { readonly type: "opened"; readonly run: number }
  | {
    readonly type: "welcome";
    readonly run: number;
    readonly welcome: WelcomeFrame;
    readonly resumed: boolean;
  }
  | { readonly type: "received"; readonly run: number }
  | { readonly type: "sent"; readonly run: number }
  | { readonly type: "told_to_wait"; readonly run: number; readonly ms: number }
  | { readonly type: "faulty"; readonly run: number; readonly reason: RoomError }
  | { readonly type: "ended"; readonly run: number; readonly closeCode: number }
  | { readonly type: "diagnosed"; readonly run: number; readonly reason: RoomError }
  | { readonly type: "due" }
  | { readonly type: "wake" }
  | { readonly type: "reconnect" };

/** What is to be done. */
export type Effect =
  | { readonly type: "ask_token"; readonly run: number; readonly refresh: boolean }
  | { readonly type: "open_socket"; readonly run: number; readonly token: string }
  | { readonly type: "diagnose"; readonly run: number; readonly token: string }
  | { readonly type: "close_socket"; readonly code: number }
  | { readonly type: "ping" };

/** Where the machine goes, and what it does on the way. */
export interface Step {
  readonly machine: Machine;
  readonly effects: readonly Effect[];
}

/** What is not the machine's own. */
export interface Surroundings {
  readonly now: number;
  readonly random: () => number;
  readonly timing: Timing;
}

/** Where every machine begins. */
export const IDLE: Machine = { type: "idle", run: 0, failures: 0, refresh: false, notBefore: 0 };

const stay = (machine: Machine): Step => ({ machine, effects: [] });
const common = ({ run, failures, refresh, notBefore }: Machine): Common => ({
  run,
  failures,
  refresh,
  notBefore,
});

/** One step. An event that does not fit the state, or answers something older, changes nothing. */
export function step(machine: Machine, event: MachineEvent, world: Surroundings): Step {
  if ("run" in event && event.run !== machine.run) return stay(machine);
  const { now, timing } = world;
  switch (event.type) {
    case "open":
      if (machine.type !== "idle" && machine.type !== "closed") return stay(machine);
      return askToken({ ...common(machine), failures: 0, notBefore: 0 }, world);
    case "stop":
      return machine.type === "closed" ? stay(machine) : stop(machine, event.reason);
    case "token":
      if (machine.type !== "token") return stay(machine);
      return event.token ? openSocket(machine, event.token, world) : stop(
        machine,
        new RoomError("signed_out", "There is no token: the token callback returned none."),
      );
    case "token_failed":
      return machine.type === "token" ? wait(machine, event.reason, world) : stay(machine);
    case "opened":
      return machine.type === "socket" ? stay({ ...machine, isOpen: true }) : stay(machine);
    case "welcome":
      return machine.type === "socket" ? goLive(machine, event.welcome, event.resumed, now) : stay(machine);
    case "received":
      return machine.type === "live" ? heard(machine, now, timing.probeMs) : stay(machine);
    case "sent":
      return machine.type === "live" ? stay({ ...machine, sentAt: now }) : stay(machine);
    case "told_to_wait":
      return stay({ ...machine, notBefore: now + event.ms });
    case "faulty":
      return machine.type === "live" || machine.type === "socket"
        ? drop(machine, event.reason, world)
        : stay(machine);
    case "ended":
      return machine.type === "live" || machine.type === "socket"
        ? ended(machine, event.closeCode, world)
        : stay(machine);
    case "diagnosed":
      return machine.type === "diagnosis" ? react(machine, event.reason, world) : stay(machine);
    case "due":
      return due(machine, world);
    case "wake":
      return wake(machine, world);
    case "reconnect":
      if (machine.type === "waiting") return wake(machine, world);
      if (machine.type !== "live" && machine.type !== "socket") return stay(machine);
      return first(closing(CLOSE.replaced), askToken(common(machine), world));
  }
}

function askToken(machine: Common, { now, timing }: Surroundings): Step {
  const { failures, refresh, notBefore } = machine;
  const run = machine.run + 1;
  return {
    machine: { type: "token", run, failures, refresh, notBefore, dueAt: now + timing.tokenMs },
    effects: [{ type: "ask_token", run, refresh }],
  };
}

function openSocket(machine: Machine, token: string, { now, timing }: Surroundings): Step {
  const run = machine.run + 1;
  const dueAt = now + timing.connectMs;
  return {
    machine: { ...common(machine), type: "socket", run, token, isOpen: false, dueAt },
    effects: [{ type: "open_socket", run, token }],
  };
}

function goLive(machine: Machine, welcome: WelcomeFrame, resumed: boolean, now: number): Step {
  const liveness: Liveness = {
    heartbeatMs: welcome.heartbeat_ms,
    receivedAt: now,
    sentAt: now,
    probedAt: 0,
    probes: 0,
  };
  return stay({
    ...common(machine),
    ...liveness,
    type: "live",
    refresh: false,
    notBefore: 0,
    since: now,
    connection: welcome.connection,
    user: welcome.user,
    recovered: resumed ? welcome.recovered : null,
    dueAt: isDueAt(liveness, 0),
  });
}

function ended(machine: LiveMachine | SocketMachine, closeCode: number, world: Surroundings): Step {
  if (machine.type === "socket" && !machine.isOpen) {
    // A browser does not tell the status of a refused upgrade.
    const run = machine.run + 1;
    return {
      machine: { ...common(machine), type: "diagnosis", run, dueAt: world.now + DIAGNOSIS_MS },
      effects: [{ type: "diagnose", run, token: machine.token }],
    };
  }
  const { reaction, reason } = readEnding(closeCode);
  return answer(machine, reaction, reason, world);
}
type SocketMachine = Extract<Machine, { type: "socket" }>;

function react(machine: Machine, reason: RoomError, world: Surroundings): Step {
  const { now } = world;
  const notBefore = reason.retryAfterMs === undefined ? machine.notBefore : now + reason.retryAfterMs;
  return answer({ ...machine, notBefore }, reactionTo(reason), reason, world);
}

function answer(
  machine: Machine,
  reaction: "reconnect" | "fresh_token" | "stop",
  reason: RoomError,
  world: Surroundings,
): Step {
  if (reaction === "stop") return stop(machine, reason);
  if (reaction === "reconnect") return wait(machine, reason, world);
  const isFirst = failuresOf(machine, world.now) === 0;
  const refreshing = { ...machine, refresh: true };
  // A fresh token at once; if that is refused too, no faster than any other failure.
  return isFirst ? askToken({ ...common(refreshing), failures: 1 }, world) : wait(refreshing, reason, world);
}

/** Failures that count against the next wait: a connection that held out for a while makes up for those before it. */
function failuresOf(machine: Machine, now: number): number {
  return machine.type === "live" && now - machine.since >= STABLE_MS ? 0 : machine.failures;
}

function wait(machine: Machine, reason: RoomError, { now, random, timing }: Surroundings): Step {
  const failures = failuresOf(machine, now) + 1;
  const dueAt = Math.max(now, machine.notBefore) + backoffMs(failures, timing.retry, random);
  return stay({ ...common(machine), type: "waiting", run: machine.run + 1, failures, reason, dueAt });
}

function stop(machine: Machine, reason: RoomError): Step {
  const hasSocket = machine.type === "live" || machine.type === "socket";
  return {
    machine: { ...common(machine), type: "closed", run: machine.run + 1, reason },
    effects: hasSocket ? [closing(CLOSE.done)] : [],
  };
}

function drop(machine: Machine, reason: RoomError, world: Surroundings): Step {
  return first(closing(CLOSE.replaced), wait(machine, reason, world));
}

function due(machine: Machine, world: Surroundings): Step {
  if (machine.type === "idle" || machine.type === "closed" || world.now < machine.dueAt) return stay(machine);
  switch (machine.type) {
    case "token":
      return wait(machine, new RoomError("token_failed", "The token callback took too long."), world);
    case "socket":
      return drop(machine, new RoomError("unreachable", "The server did not answer in time."), world);
    case "diagnosis":
      return wait(machine, new RoomError("unreachable", "The server cannot be reached."), world);
    case "waiting":
      return askToken(machine, world);
    case "live": {
      const watched = watch(machine, world.now, world.timing.probeMs);
      return watched ??
        drop(machine, new RoomError("silent", "The server was silent for too long."), world);
    }
  }
}

/** The page is looked at again, the machine woke up, or the network changed: what was believed may no longer hold. */
function wake(machine: Machine, world: Surroundings): Step {
  const { now, timing } = world;
  switch (machine.type) {
    case "live":
      return watch({ ...machine, receivedAt: -Infinity }, now, timing.probeMs) ?? stay(machine);
    case "waiting":
      // Not before what the server asked for.
      return machine.notBefore <= now ? askToken(machine, world) : stay(
        { ...machine, dueAt: Math.min(machine.dueAt, machine.notBefore) },
      );
    case "socket":
      return stay({ ...machine, dueAt: Math.min(machine.dueAt, now + timing.probeMs) });
    default:
      return stay(machine);
  }
}

const closing = (code: number): Effect => ({ type: "close_socket", code });
const first = (effect: Effect, { machine, effects }: Step): Step => ({
  machine,
  effects: [effect, ...effects],
});
