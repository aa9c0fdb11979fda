import type { RoomError } from "./errors.ts";

/** Nothing was begun: before `open()`, and while a kept outbox is being read. */
export interface IdleState {
  readonly type: "idle";
}

/** Asking for a token, opening the socket, waiting for `welcome`, or finding out why that was refused. */
export interface ConnectingState {
  readonly type: "connecting";
  /** Failures in a row before this attempt. */
  readonly attempt: number;
}

/** Messages flow. */
export interface LiveState {
  readonly type: "live";
  /** This connection's id: who else is in the room knows us by it. */
  readonly connection: string;
  /** The verified user. */
  readonly user: string;
  /** True: nothing was missed since the last connection. False: a `gap` says what. Null: there was none to go on from. */
  readonly recovered: boolean | null;
}

/** Not connected; tries again at `retryAt`, or earlier when the page wakes up or the network comes back. */
export interface WaitingState {
  readonly type: "waiting";
  /** Failures in a row. */
  readonly attempt: number;
  /** In milliseconds since 1970. */
  readonly retryAt: number;
  /** Why it is not connected. */
  readonly reason: RoomError;
}

/** Ended. `open()` begins again, from the same position. */
export interface ClosedState {
  readonly type: "closed";
  /** `closed` and `aborted` are the application's own doing. */
  readonly reason: RoomError;
}

/** Where a room is; there is no state without a way out but `closed`, and that says why. */
export type RoomState = IdleState | ConnectingState | LiveState | WaitingState | ClosedState;
