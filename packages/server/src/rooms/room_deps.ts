import type { MonotonicClock, WallClock } from "../clocks.ts";
import type { Verifier } from "../auth/verification.ts";
import type { Backplane } from "../backplane/contract.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { RoomLimits } from "../../../protocol/limits.ts";
import type { TimingWheel } from "../socket/timing_wheel.ts";
import type { ReadLimits } from "./read_limits.ts";
import type { FlushScheduler } from "./outbound/flush_scheduler.ts";

/** Dependencies of rooms and their members. */
export interface RoomDeps {
  readonly backplane: Backplane;
  /** Verifies the tokens that members send in `auth` frames. */
  readonly verifier: Verifier;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly wheel: TimingWheel;
  readonly scheduler: FlushScheduler;
  readonly limits: RoomLimits;
  readonly reads: ReadLimits;
  readonly heartbeatMs: number;
  /** Time before a token's expiry at which its member is warned. */
  readonly expiryWarningMs: number;
  /** Time after the expiry until the member is closed. */
  readonly expiryGraceMs: number;
  /** Most pending publishes of one member. */
  readonly maxPendingPublishes: number;
  readonly now: MonotonicClock;
  readonly wallNow: WallClock;
}
