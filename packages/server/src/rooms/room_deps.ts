import type { MonotonicClock } from "../clocks.ts";
import type { Verifier } from "../auth/verification.ts";
import type { Backplane } from "../backplane/contract.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { RoomLimits } from "../../../protocol/limits.ts";
import type { ReadLimits } from "./read_limits.ts";
import type { TokenWatchDeps } from "../socket/watch_token.ts";
import type { FlushScheduler } from "./outbound/flush_scheduler.ts";

/** Dependencies of rooms and their members. */
export interface RoomDeps extends TokenWatchDeps {
  readonly backplane: Backplane;
  /** Verifies the tokens that members send in `auth` frames. */
  readonly verifier: Verifier;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly scheduler: FlushScheduler;
  readonly limits: RoomLimits;
  readonly reads: ReadLimits;
  readonly heartbeatMs: number;
  /** Least time between two batches of ephemeral messages of a room; 0 for none. */
  readonly ephemeralTickMs: number;
  /** Time before a token's expiry at which its member is warned. */
  readonly expiryWarningMs: number;
  /** Most pending publishes of one member. */
  readonly maxPendingPublishes: number;
  readonly now: MonotonicClock;
}
