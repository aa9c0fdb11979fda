import type { Verifier } from "../auth/verification.ts";
import type { Backplane } from "../backplane/contract.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { RoomLimits } from "../../../protocol/limits.ts";
import type { TimingWheel } from "../socket/timing_wheel.ts";
import type { FlushScheduler } from "./outbound/flush_scheduler.ts";

/** What rooms and their members work with. */
export interface RoomDeps {
  readonly backplane: Backplane;
  /** Verifies the tokens that members bring in band. */
  readonly verifier: Verifier;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly wheel: TimingWheel;
  readonly scheduler: FlushScheduler;
  readonly limits: RoomLimits;
  readonly heartbeatMs: number;
  /** How long before a token expires its member is told. */
  readonly expiryWarningMs: number;
  /** How long after that its member is closed. */
  readonly expiryGraceMs: number;
  /** Publishes of one member that may wait to be stored. */
  readonly maxPendingPublishes: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
