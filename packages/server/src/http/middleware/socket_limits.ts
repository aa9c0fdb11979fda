/** Limits that an endpoint may set for its sockets. */
export interface SocketLimitOptions {
  readonly maxFrameBytes?: number;
  readonly framesPerSecond?: number;
  readonly framesBurst?: number;
}

/** Largest value of each limit, as that of its variable. */
const LARGEST: Readonly<Record<keyof SocketLimitOptions, number>> = {
  maxFrameBytes: 16_777_216,
  framesPerSecond: 1_000_000,
  framesBurst: 1_000_000,
};

/** @throws {RangeError} naming the option, unless each limit is a whole number in its range */
export function checkSocketLimits(options: SocketLimitOptions): void {
  for (const name of ["maxFrameBytes", "framesPerSecond", "framesBurst"] as const) {
    const value: unknown = options[name];
    const largest = LARGEST[name];
    if (value === undefined) continue;
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= largest) continue;
    throw new RangeError(`${name} of upgradeWebSocket must be a whole number from 1 to ${largest}.`);
  }
}
