/** What an isolate may use, and how long things may take. Times are in milliseconds. */
export interface EdgeLimits {
  /** How long an isolate lives: half of it with new requests, a warning after nine tenths. */
  readonly wallMs: number;
  /** CPU time after which an isolate gets no new requests. */
  readonly cpuSoftMs: number;
  /** CPU time after which it is killed; it is warned after nine tenths. */
  readonly cpuHardMs: number;
  /** Memory, in bytes, above what the process held before the function was imported; it is warned at nine tenths. */
  readonly memoryBytes: number;
  /** A connection on which the isolate sends nothing for so long is cut. */
  readonly idleMs: number;
  /** An idle isolate that was asked nothing for so long may be dropped before it is retired; Infinity: never. */
  readonly absentMs: number;
  /** How long a worker may take to start. */
  readonly bootMs: number;
  /** How long open sockets may take to end when the host ends. */
  readonly graceMs: number;
}

const MIB = 1_048_576;

/** What a paid project of the hosted platform has (docs/edge-host.md); `bootMs` is ours. */
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

/** Where a retirement, and where a warning comes, as shares of a limit. */
export const RETIRED_AT = 0.5;
export const WARNED_AT = 0.9;
