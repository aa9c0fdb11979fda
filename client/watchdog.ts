/**
 * Notices that a live connection went silent, and keeps it from looking silent to the server. Timers are not trusted: a page in the
 * background has them a minute late, and a machine that sleeps has none. So whatever is received is an occasion to ping, and a
 * look that comes late asks the server again before it gives the connection up.
 */
import type { Effect, LiveMachine, Liveness, Step } from "./machine.ts";

/** The server sends at least every heartbeat; half of one more is given to the network. */
const SILENT_HEARTBEATS = 1.5;
/** A look later than this after its time says that timers cannot be trusted now, in milliseconds. */
const LATE_MS = 2_000;
/** Late looks that are forgiven before the connection is given up. */
const LATE_PROBES = 2;

const PING: Effect = { type: "ping" };

/** When a connection is to be looked at again, in milliseconds since 1970. */
export function isDueAt(
  { heartbeatMs, receivedAt, sentAt, probedAt, probes }: Liveness,
  probeMs: number,
): number {
  if (probes > 0) return probedAt + probeMs;
  return Math.min(receivedAt + SILENT_HEARTBEATS * heartbeatMs, sentAt + heartbeatMs);
}

/** Something came: the server is there. Pings when it is time to, since no timer may tell. */
export function heard(machine: LiveMachine, now: number, probeMs: number): Step {
  const isQuiet = now >= machine.sentAt + machine.heartbeatMs;
  const next = { ...machine, receivedAt: now, probes: 0, sentAt: isQuiet ? now : machine.sentAt };
  return { machine: { ...next, dueAt: isDueAt(next, probeMs) }, effects: isQuiet ? [PING] : [] };
}

/** Looks at a live connection: what is to be done, or null when it is to be given up. */
export function watch(machine: LiveMachine, now: number, probeMs: number): Step | null {
  const isLate = now - machine.dueAt > LATE_MS;
  if (machine.probes > 0) {
    if (now < machine.probedAt + probeMs) return { machine, effects: [] };
    // The answer may wait behind this very look.
    if (!isLate || machine.probes >= LATE_PROBES) return null;
    return probe(machine, now, probeMs);
  }
  if (isLate || now >= machine.receivedAt + SILENT_HEARTBEATS * machine.heartbeatMs) {
    return probe(machine, now, probeMs);
  }
  const isQuiet = now >= machine.sentAt + machine.heartbeatMs;
  const next = isQuiet ? { ...machine, sentAt: now } : machine;
  return { machine: { ...next, dueAt: isDueAt(next, probeMs) }, effects: isQuiet ? [PING] : [] };
}

function probe(machine: LiveMachine, now: number, probeMs: number): Step {
  const next = { ...machine, probedAt: now, probes: machine.probes + 1, sentAt: now };
  return { machine: { ...next, dueAt: isDueAt(next, probeMs) }, effects: [PING] };
}
