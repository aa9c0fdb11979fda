/**
 * The connection's state machine: one pure function from a state and an event to the next state and
 * its effects. Time and randomness are passed in. Every state but `idle` and `closed` has a
 * deadline, `dueAt`, at which the machine is checked even if nothing else happens, so that none can
 * be stuck.
 */
import { CLIENT_CLOSE } from "../../protocol/close_codes.ts";
import { RoomError } from "../errors.ts";
import type { RoomState } from "../state.ts";
import { backoffMs } from "./backoff.ts";
import { reactionTo } from "./close_reasons.ts";
import type { Environment, Greeting, Liveness, Machine, MachineEvent, Step } from "./machine_state.ts";
import { checkLiveness, nextCheckAt, noteReceived } from "./watchdog.ts";

/** Age of a connection from which earlier failures no longer count, in milliseconds. */
export const STABLE_MS = 10_000;

/** Initial state. */
export const IDLE: Machine = {
  type: "idle",
  state: { type: "idle" },
  run: 0,
  failures: 0,
  refresh: false,
  notBefore: 0,
  dueAt: Infinity,
};

/**
 * Performs one step. An event that does not fit the state or belongs to an older run changes
 * nothing.
 */
export function step(machine: Machine, event: MachineEvent, env: Environment): Step {
  const { now, timing } = env;
  const { type } = machine;
  if ("run" in event && event.run !== machine.run) return stay(machine);
  switch (event.type) {
    case "open":
      if (type === "idle" || type === "closed") {
        return askToken({ ...machine, failures: 0, notBefore: 0 }, env);
      }
      break;
    case "stop":
      if (type !== "closed") return stop(machine, event.reason);
      break;
    case "token":
      if (type === "token") return openSocket(machine, event.token, env);
      break;
    case "welcome":
      if (type === "socket") return goLive(machine, event.welcome, event.resumed, now);
      // A room of a shared socket, which is live before its rooms.
      if (type === "live") {
        return noteReceived({ ...machine, heartbeatMs: event.welcome.heartbeat_ms }, now, timing.probeMs);
      }
      break;
    case "received":
      if (type === "live") return noteReceived(machine, now, timing.probeMs);
      break;
    case "sent":
      if (type === "live") return stay({ ...machine, sentAt: now });
      break;
    case "failed":
      return fail(machine, event.reason, env);
    case "due":
      return due(machine, env);
    case "wake":
      return wake(machine, env);
    case "reconnect":
      if (type === "live" || type === "socket") return closing(CLIENT_CLOSE.replaced, askToken(machine, env));
      return wake(machine, env);
  }
  return stay(machine);
}

function stay(machine: Machine): Step {
  return [machine];
}

function closing(code: number, [machine, effects = []]: Step): Step {
  return [machine, [{ type: "close_socket", code }, ...effects]];
}

/** Starts a new run. Fields of an earlier phase stay without effect. */
function next(machine: Machine, changes: Partial<Machine>): Machine {
  return { ...machine, ...changes, run: machine.run + 1 } as Machine;
}

function askToken(machine: Machine, { now, timing }: Environment): Step {
  const { failures, refresh } = machine;
  const state: RoomState = { type: "connecting", attempt: failures };
  const asking = next(machine, { type: "token", state, dueAt: now + timing.tokenMs });
  return [asking, [{ type: "ask_token", run: asking.run, refresh }]];
}

function openSocket(machine: Machine, token: string, { now, timing }: Environment): Step {
  const opening = next(machine, { type: "socket", dueAt: now + timing.connectMs });
  return [opening, [{ type: "open_socket", run: opening.run, token }]];
}

function goLive(machine: Machine, welcome: Greeting, resumed: boolean, now: number): Step {
  const { connection, user } = welcome;
  const liveness: Liveness = {
    heartbeatMs: welcome.heartbeat_ms,
    receivedAt: now,
    sentAt: now,
    probedAt: 0,
    probes: 0,
  };
  return stay({
    // Same socket, so the same run.
    ...machine,
    ...liveness,
    type: "live",
    state: { type: "live", connection, user, recovered: resumed ? welcome.recovered : null },
    refresh: false,
    notBefore: 0,
    since: now,
    dueAt: nextCheckAt(liveness, 0),
  });
}

function stop(machine: Machine, reason: RoomError): Step {
  const closed = next(machine, { type: "closed", state: { type: "closed", reason }, dueAt: Infinity });
  return closing(CLIENT_CLOSE.done, stay(closed));
}

function fail(machine: Machine, reason: RoomError, env: Environment): Step {
  if (machine.dueAt === Infinity || machine.type === "waiting") return stay(machine);
  const { now, random, timing } = env;
  const reaction = reactionTo(reason);
  if (reaction === "stop") return stop(machine, reason);
  // A stable connection resets the failures. An announced drain needs less time for that.
  const stableMs = reason.code === "draining" ? STABLE_MS / 10 : STABLE_MS;
  const isStable = machine.type === "live" && now - machine.since >= stableMs;
  const failures = (isStable ? 0 : machine.failures) + 1;
  const refresh = machine.refresh || reaction === "fresh_token";
  const notBefore = Math.max(machine.notBefore, now + (reason.retryAfterMs ?? 0));
  const failed = { ...machine, failures, refresh, notBefore };
  // Ask for a fresh token at once. If that one is refused too, wait as after any failure.
  if (reaction === "fresh_token" && failures === 1) {
    return closing(CLIENT_CLOSE.replaced, askToken(failed, env));
  }
  const dueAt = notBefore + backoffMs(failures, timing.retry, random);
  return closing(CLIENT_CLOSE.replaced, wait(failed, reason, dueAt, env));
}

function wait(machine: Machine, reason: RoomError, dueAt: number, { now, wallNow }: Environment): Step {
  const retryAt = wallNow + dueAt - now;
  const state: RoomState = { type: "waiting", attempt: machine.failures, retryAt, reason };
  return stay(next(machine, { type: "waiting", state, dueAt }));
}

function due(machine: Machine, env: Environment): Step {
  if (env.now < machine.dueAt) return stay(machine);
  switch (machine.type) {
    case "token":
      return fail(machine, new RoomError("token_failed", "The token callback took too long."), env);
    case "socket":
      return fail(machine, new RoomError("unreachable", "The server took too long."), env);
    case "waiting":
      return askToken(machine, env);
    case "live":
      return checkLiveness(machine, env.now, env.timing.probeMs) ??
        fail(machine, new RoomError("silent", "The server was silent for too long."), env);
    default:
      return stay(machine);
  }
}

/** Checks the connection after the page or the machine woke up or the network changed. */
function wake(machine: Machine, env: Environment): Step {
  const { now, timing } = env;
  const { state } = machine;
  if (machine.type === "live") {
    return checkLiveness({ ...machine, receivedAt: -Infinity }, now, timing.probeMs) ?? stay(machine);
  }
  if (machine.type === "socket") {
    return stay({ ...machine, dueAt: Math.min(machine.dueAt, now + timing.probeMs) });
  }
  if (machine.type !== "waiting" || state.type !== "waiting") return stay(machine);
  if (machine.notBefore <= now) return askToken(machine, env);
  // The server requested this wait.
  return machine.notBefore < machine.dueAt
    ? wait(machine, state.reason, machine.notBefore, env)
    : stay(machine);
}
