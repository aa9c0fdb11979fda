import type { WelcomeFrame } from "../../protocol/frames.ts";
import type { RoomError } from "../errors.ts";
import type { RoomState } from "../state.ts";
import type { BackoffBounds } from "./backoff.ts";

/** Longest duration of each step, in milliseconds. */
export interface Timing {
  readonly tokenMs: number;
  readonly connectMs: number;
  readonly probeMs: number;
  readonly retry: BackoffBounds;
}

/** Fields that every state has. */
export interface Common {
  /** Public state; the same object until it changes. */
  readonly state: RoomState;
  /** Number of the current token request, socket or wait. Events of an older one are ignored. */
  readonly run: number;
  /** Failures in a row. */
  readonly failures: number;
  /** True if the next token has to be a fresh one. */
  readonly refresh: boolean;
  /** Earliest time of the next attempt, as the server requested. */
  readonly notBefore: number;
  /** Time at which the machine is checked; infinite if nothing is awaited. */
  readonly dueAt: number;
}

/** State of a live connection's watchdog. */
export interface Liveness {
  readonly heartbeatMs: number;
  readonly receivedAt: number;
  readonly sentAt: number;
  /** Time of the last probe. */
  readonly probedAt: number;
  /** Probes without an answer. */
  readonly probes: number;
}

type Phase =
  /**
   * Waits for a token, for a socket and its `welcome` (or the refusal's reason), or for the next
   * attempt.
   */
  | { readonly type: "idle" | "closed" | "token" | "socket" | "waiting" }
  | Liveness & { readonly type: "live"; readonly since: number };

/** State of the machine, with what it remembers between attempts. */
export type Machine = Common & Phase;
/** State of the machine while the connection is live. */
export type LiveMachine = Extract<Machine, { type: "live" }>;

/** Part of `welcome` that the machine uses. */
export type Greeting = Pick<WelcomeFrame, "connection" | "user" | "recovered" | "heartbeat_ms">;

/** Input of the machine. `run` names the attempt that an event belongs to. */
export type MachineEvent =
  | { readonly type: "open" | "due" | "wake" | "reconnect" }
  | { readonly type: "stop"; readonly reason: RoomError }
  | { readonly type: "token"; readonly run: number; readonly token: string }
  | {
    readonly type: "welcome";
    readonly run: number;
    readonly welcome: Greeting;
    readonly resumed: boolean;
  }
  | { readonly type: "received" | "sent"; readonly run: number }
  /** There is no token, the connection failed or ended, or the server sent something invalid. */
  | { readonly type: "failed"; readonly run: number; readonly reason: RoomError };

/** Action that the connection performs. */
export type Effect =
  | { readonly type: "ask_token"; readonly run: number; readonly refresh: boolean }
  | { readonly type: "open_socket"; readonly run: number; readonly token: string }
  | { readonly type: "close_socket"; readonly code: number }
  | { readonly type: "ping" };

/** Next state, and the actions on the way to it. */
export type Step = readonly [machine: Machine, effects?: readonly Effect[]];

/** Time, randomness and bounds that the machine is given. */
export interface Environment {
  readonly now: number;
  /** Milliseconds since 1970, for the public state. */
  readonly wallNow: number;
  readonly random: () => number;
  readonly timing: Timing;
}
