/**
 * Detects a silent server and keeps the client from looking silent. Timers are unreliable: they
 * fire up to a minute late in a background page, and not at all while the machine sleeps. Therefore
 * every received frame may trigger a ping, and a late check probes once more before it gives up.
 */
import type { LiveMachine, Liveness, Step } from "./machine_state.ts";

/**
 * Heartbeats without a frame before the first probe, and without an own frame before a timer pings.
 * The half is for network delay. It also leaves the ping to a received frame, which is due from one
 * heartbeat on: the server's heartbeats come together, and so do the pings of its clients.
 */
const SILENT_HEARTBEATS = 1.5;
/** Delay of a check that shows that timers are unreliable now, in milliseconds. */
export const LATE_MS = 2_000;
/** Unanswered probes of late checks after which the connection is given up. */
const LATE_PROBES = 2;

/** Time of the next check. */
export function nextCheckAt(liveness: Liveness, probeMs: number): number {
  const { heartbeatMs, receivedAt, sentAt, probedAt, probes } = liveness;
  if (probes > 0) return probedAt + probeMs;
  return SILENT_HEARTBEATS * heartbeatMs + Math.min(receivedAt, sentAt);
}

/** Notes that the server is alive. Pings if a ping is due, since no timer may fire. */
export function noteReceived(machine: LiveMachine, now: number, probeMs: number): Step {
  return keepAlive({ ...machine, receivedAt: now, probes: 0 }, 1, now, probeMs);
}

/** Checks a live connection. Returns null if it is to be given up. */
export function checkLiveness(machine: LiveMachine, now: number, probeMs: number): Step | null {
  const { probes, probedAt, receivedAt, heartbeatMs, dueAt } = machine;
  const isLate = now - dueAt > LATE_MS;
  if (probes > 0) {
    if (now < probedAt + probeMs) return [machine];
    // After a late check the answer may still be queued behind this event.
    if (!isLate || probes >= LATE_PROBES) return null;
  } else if (!isLate && now < receivedAt + SILENT_HEARTBEATS * heartbeatMs) {
    return keepAlive(machine, SILENT_HEARTBEATS, now, probeMs);
  }
  return keepAlive({ ...machine, probedAt: now, probes: probes + 1 }, 0, now, probeMs);
}

/** Pings if the client's last frame is this many heartbeats old. */
function keepAlive(machine: LiveMachine, heartbeats: number, now: number, probeMs: number): Step {
  const isDue = now >= machine.sentAt + heartbeats * machine.heartbeatMs;
  const next = isDue ? { ...machine, sentAt: now } : machine;
  return [{ ...next, dueAt: nextCheckAt(next, probeMs) }, isDue ? [{ type: "ping" }] : []];
}
