import type { RoomError } from "./errors.ts";

/** Not open: before `open()`, and while a stored outbox is being read. */
export interface IdleState {
  readonly type: "idle";
}

/** Requests a token, opens the socket, waits for `welcome`, or diagnoses a refusal. */
export interface ConnectingState {
  readonly type: "connecting";
  /** Failures in a row before this attempt. */
  readonly attempt: number;
}

/** Connected. */
export interface LiveState {
  readonly type: "live";
  /** This connection's id, as other members see it. */
  readonly connection: string;
  /** The verified user. */
  readonly user: string;
  /**
   * True: no message was missed. False: a `gap` names the loss. Null: there was nothing to resume.
   */
  readonly recovered: boolean | null;
}

/** Not connected. Retries at `retryAt`, or earlier if the page wakes up or the network returns. */
export interface WaitingState {
  readonly type: "waiting";
  /** Failures in a row. */
  readonly attempt: number;
  /** Time of the next attempt, in milliseconds since 1970 as the clock was when the wait began. */
  readonly retryAt: number;
  /** Reason of the last failure. */
  readonly reason: RoomError;
}

/** Closed. `open()` resumes from the same position. */
export interface ClosedState {
  readonly type: "closed";
  /** The application itself causes `closed` and `aborted`. */
  readonly reason: RoomError;
}

/** State of a room. Only `closed` is final until `open()`, and it names its reason. */
export type RoomState = IdleState | ConnectingState | LiveState | WaitingState | ClosedState;
