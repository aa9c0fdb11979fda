/**
 * The connection's state machine: one pure function from a state and an event to the next state and what is to be done. It knows
 * neither sockets nor timers: time and chance are passed in. In every state but `idle` and `closed` there is a moment, `dueAt`, at
 * which it is looked at again whatever else happens, so that none can be stuck.
 */
import { type BackoffBounds, backoffMs } from "./backoff.ts";
import { CLOSE, reactionTo } from "./close_reasons.ts";
import { RoomError } from "../errors.ts";
import type { WelcomeFrame } from "../../protocol/frames.ts";
import type { RoomState } from "../state.ts";
import { heard, lookAgainAt, watch } from "./watchdog.ts";

/** How long each step may take, in milliseconds. */
export interface Timing {
  readonly tokenMs: number;
  readonly connectMs: number;
  readonly probeMs: number;
  readonly retry: BackoffBounds;
}

/** What a connection has to hold out before the failures before it are forgotten, in milliseconds. */
const STABLE_MS = 10_000;

interface Common {
  /** What the application sees; the same object until that changes. */
  readonly state: RoomState;
  /** Counts what was begun: what comes of something older is not listened to. */
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
  | { readonly type: "idle" | "closed" }
  /** Waiting for: a token; a socket and its `welcome`, or why it was refused; the next attempt. */
  | { readonly type: "token" | "socket" | "waiting"; readonly dueAt: number }
  | Liveness & { readonly type: "live"; readonly since: number; readonly dueAt: number };

/** A state, with what is remembered between attempts. */
export type Machine = Common & Phase;
/** The machine while messages flow. */
export type LiveMachine = Extract<Machine, { type: "live" }>;

/** What happens to the machine. `run` says what an event comes of. */
export type MachineEvent =
  | { readonly type: "open" | "due" | "wake" | "reconnect" }
  | { readonly type: "stop"; readonly reason: RoomError }
  | { readonly type: "token"; readonly run: number; readonly token: string }
  | {
    readonly type: "welcome";
    readonly run: number;
    readonly welcome: WelcomeFrame;
    readonly resumed: boolean;
  }
  | { readonly type: "received" | "sent"; readonly run: number }
  | { readonly type: "told_to_wait"; readonly run: number; readonly ms: number }
  /** No token, no connection, none any more, or one that cannot be right. */
  | { readonly type: "failed"; readonly run: number; readonly reason: RoomError };

/** What is to be done. */
export type Effect =
  | { readonly type: "ask_token"; readonly run: number; readonly refresh: boolean }
  | { readonly type: "open_socket"; readonly run: number; readonly token: string }
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
export const IDLE: Machine = {
  type: "idle",
  state: { type: "idle" },
  run: 0,
  failures: 0,
  refresh: false,
  notBefore: 0,
};

/** One step. An event that does not fit the state, or comes of something older, changes nothing. */
export function step(machine: Machine, event: MachineEvent, world: Surroundings): Step {
  const { now, timing } = world;
  const { type } = machine;
  if ("run" in event && event.run !== machine.run) return stay(machine);
  switch (event.type) {
    case "open":
      if (type === "idle" || type === "closed") {
        return askToken({ ...machine, failures: 0, notBefore: 0 }, world);
      }
      break;
    case "stop":
      if (type !== "closed") return stop(machine, event.reason);
      break;
    case "token":
      if (type === "token") return openSocket(machine, event.token, world);
      break;
    case "welcome":
      if (type === "socket") return goLive(machine, event.welcome, event.resumed, now);
      break;
    case "received":
      if (type === "live") return heard(machine, now, timing.probeMs);
      break;
    case "sent":
      if (type === "live") return stay({ ...machine, sentAt: now });
      break;
    case "told_to_wait":
      return stay({ ...machine, notBefore: now + event.ms });
    case "failed":
      return fail(machine, event.reason, world);
    case "due":
      return due(machine, world);
    case "wake":
      return wake(machine, world);
    case "reconnect":
      if (type === "live" || type === "socket") return closing(CLOSE.replaced, askToken(machine, world));
      return wake(machine, world);
  }
  return stay(machine);
}

function stay(machine: Machine): Step {
  return { machine, effects: [] };
}

function closing(code: number, { machine, effects }: Step): Step {
  return { machine, effects: [{ type: "close_socket", code }, ...effects] };
}

/** What goes on from one state to the next; what is begun now has a number of its own. */
function next({ state, run, failures, refresh, notBefore }: Common): Common {
  return { state, run: run + 1, failures, refresh, notBefore };
}

function askToken(machine: Common, { now, timing }: Surroundings): Step {
  const { failures, refresh } = machine;
  const state: RoomState = { type: "connecting", attempt: failures };
  const asking: Machine = { ...next(machine), type: "token", state, dueAt: now + timing.tokenMs };
  return { machine: asking, effects: [{ type: "ask_token", run: asking.run, refresh }] };
}

function openSocket(machine: Machine, token: string, { now, timing }: Surroundings): Step {
  const opening: Machine = { ...next(machine), type: "socket", dueAt: now + timing.connectMs };
  return { machine: opening, effects: [{ type: "open_socket", run: opening.run, token }] };
}

function goLive(machine: Common, welcome: WelcomeFrame, resumed: boolean, now: number): Step {
  const { connection, user } = welcome;
  const liveness: Liveness = {
    heartbeatMs: welcome.heartbeat_ms,
    receivedAt: now,
    sentAt: now,
    probedAt: 0,
    probes: 0,
  };
  return stay({
    ...next(machine),
    ...liveness,
    type: "live",
    state: { type: "live", connection, user, recovered: resumed ? welcome.recovered : null },
    // The socket is still the same.
    run: machine.run,
    refresh: false,
    notBefore: 0,
    since: now,
    dueAt: lookAgainAt(liveness, 0),
  });
}

function stop(machine: Machine, reason: RoomError): Step {
  const closed: Machine = { ...next(machine), type: "closed", state: { type: "closed", reason } };
  return closing(CLOSE.done, stay(closed));
}

function fail(machine: Machine, reason: RoomError, world: Surroundings): Step {
  if (machine.type === "idle" || machine.type === "closed" || machine.type === "waiting") {
    return stay(machine);
  }
  const { now, random, timing } = world;
  const reaction = reactionTo(reason);
  if (reaction === "stop") return stop(machine, reason);
  // A connection that held out for a while makes up for the failures before it; one whose isolate went as announced, sooner.
  const stableMs = reason.code === "draining" ? STABLE_MS / 10 : STABLE_MS;
  const isStable = machine.type === "live" && now - machine.since >= stableMs;
  const failures = (isStable ? 0 : machine.failures) + 1;
  const refresh = machine.refresh || reaction === "fresh_token";
  const notBefore = Math.max(machine.notBefore, now + (reason.retryAfterMs ?? 0));
  const failed = { ...next(machine), failures, refresh, notBefore };
  // A fresh token at once; if that is refused too, no faster than after any other failure.
  if (reaction === "fresh_token" && failures === 1) return closing(CLOSE.replaced, askToken(failed, world));
  const dueAt = notBefore + backoffMs(failures, timing.retry, random);
  return closing(CLOSE.replaced, wait(failed, reason, dueAt));
}

function wait(machine: Common, reason: RoomError, dueAt: number): Step {
  const state: RoomState = { type: "waiting", attempt: machine.failures, retryAt: dueAt, reason };
  return stay({ ...next(machine), type: "waiting", state, dueAt });
}

function due(machine: Machine, world: Surroundings): Step {
  if (!("dueAt" in machine) || world.now < machine.dueAt) return stay(machine);
  switch (machine.type) {
    case "token":
      return fail(machine, new RoomError("token_failed", "The token callback took too long."), world);
    case "socket":
      return fail(machine, new RoomError("unreachable", "The server did not answer in time."), world);
    case "waiting":
      return askToken(machine, world);
    case "live": {
      const silent = () => new RoomError("silent", "The server was silent for too long.");
      return watch(machine, world.now, world.timing.probeMs) ?? fail(machine, silent(), world);
    }
  }
}

/** The page is looked at again, the machine woke up, or the network changed: what was believed may no longer hold. */
function wake(machine: Machine, world: Surroundings): Step {
  const { now, timing } = world;
  const { state } = machine;
  if (machine.type === "live") {
    return watch({ ...machine, receivedAt: -Infinity }, now, timing.probeMs) ?? stay(machine);
  }
  if (machine.type === "socket") {
    return stay({ ...machine, dueAt: Math.min(machine.dueAt, now + timing.probeMs) });
  }
  if (machine.type !== "waiting" || state.type !== "waiting") return stay(machine);
  if (machine.notBefore <= now) return askToken(machine, world);
  // Not before what the server asked for.
  return machine.notBefore < machine.dueAt ? wait(machine, state.reason, machine.notBefore) : stay(machine);
}
