/**
 * Notices that a live connection went silent, and keeps it from looking silent to the server. Timers are not trusted: a page in the
 * background has them a minute late, and a machine that sleeps has none. So whatever is received is an occasion to ping, and a
 * look that comes late asks the server again before it gives the connection up.
 */
import type { LiveMachine, Liveness, Step } from "./machine.ts";

/** The server sends at least every heartbeat; half of one more is given to the network. */
const SILENT_HEARTBEATS = 1.5;
/** A look later than this after its time says that timers cannot be trusted now, in milliseconds. */
const LATE_MS = 2_000;
/** Probes without an answer, sent by late looks, after which the connection is given up. */
const LATE_PROBES = 2;

/** When a connection is to be looked at again, in milliseconds since 1970. */
export function lookAgainAt(liveness: Liveness, probeMs: number): number {
  const { heartbeatMs, receivedAt, sentAt, probedAt, probes } = liveness;
  if (probes > 0) return probedAt + probeMs;
  return Math.min(receivedAt + SILENT_HEARTBEATS * heartbeatMs, sentAt + heartbeatMs);
}

/** Something came: the server is there. Pings when it is time to, since no timer may tell. */
export function heard(machine: LiveMachine, now: number, probeMs: number): Step {
  return keepAlive({ ...machine, receivedAt: now, probes: 0 }, now, probeMs);
}

/** Looks at a live connection: what is to be done, or null when it is to be given up. */
export function watch(machine: LiveMachine, now: number, probeMs: number): Step | null {
  const { probes, probedAt, receivedAt, heartbeatMs, dueAt } = machine;
  const isLate = now - dueAt > LATE_MS;
  if (probes > 0) {
    if (now < probedAt + probeMs) return { machine, effects: [] };
    // The answer may wait behind this very look.
    if (!isLate || probes >= LATE_PROBES) return null;
  } else if (!isLate && now < receivedAt + SILENT_HEARTBEATS * heartbeatMs) {
    return keepAlive(machine, now, probeMs);
  }
  return ping({ ...machine, probedAt: now, probes: probes + 1 }, now, probeMs);
}

function keepAlive(machine: LiveMachine, now: number, probeMs: number): Step {
  if (now >= machine.sentAt + machine.heartbeatMs) return ping(machine, now, probeMs);
  return { machine: { ...machine, dueAt: lookAgainAt(machine, probeMs) }, effects: [] };
}

function ping(machine: LiveMachine, now: number, probeMs: number): Step {
  const next = { ...machine, sentAt: now };
  return { machine: { ...next, dueAt: lookAgainAt(next, probeMs) }, effects: [{ type: "ping" }] };
}
