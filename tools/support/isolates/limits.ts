/** Limits of an isolate. Times are in milliseconds. */
export interface EdgeLimits {
  /** Lifetime. The isolate is retired at half of it, and warned at nine tenths. */
  readonly wallMs: number;
  /** CPU time after which the isolate is retired. */
  readonly cpuSoftMs: number;
  /** CPU time after which the isolate is killed; it is warned at nine tenths. */
  readonly cpuHardMs: number;
  /**
   * Memory in bytes beyond that of the process before the import; the isolate is warned at nine
   * tenths.
   */
  readonly memoryBytes: number;
  /** Silence of the isolate after which a connection is cut. */
  readonly idleMs: number;
  /**
   * Time without requests after which an idle isolate is dropped before its retirement; Infinity
   * for never.
   */
  readonly absentMs: number;
  /** Limit of a worker's start. */
  readonly bootMs: number;
  /** Limit for open sockets to end when the host ends. */
  readonly graceMs: number;
}

const MIB = 1_048_576;

/** Limits of a paid project of the hosted platform (docs/edge-host.md); `bootMs` is ours. */
export const HOSTED_LIMITS: EdgeLimits = {
  wallMs: 400_000,
  cpuSoftMs: 1_000,
  cpuHardMs: 2_000,
  memoryBytes: 256 * MIB,
  idleMs: 150_000,
  absentMs: Infinity,
  bootMs: 30_000,
  graceMs: 15_000,
};

/** Shares of a limit at which an isolate is retired and warned. */
export const RETIRED_AT = 0.5;
export const WARNED_AT = 0.9;
