import { type Direction, DIRECTIONS, inDirection, type PerDirection } from "./direction.ts";

/** Network conditions in each direction, for one connection or, as their parent, for all. */
export class Conditions {
  readonly #parent: Conditions | undefined;
  readonly #delayMs = new Map<Direction, number>();
  readonly #bytesPerSecond = new Map<Direction, number>();
  readonly #held = new Set<Direction>();

  constructor(parent?: Conditions) {
    this.#parent = parent;
  }

  /** Delay of a chunk that arrives now: the sum of the parent's delay and the own one. */
  delayMs(direction: Direction): number {
    return (this.#parent?.delayMs(direction) ?? 0) + (this.#delayMs.get(direction) ?? 0);
  }

  /** Limit for reading: the lower of the parent's rate and the own one, Infinity by default. */
  bytesPerSecond(direction: Direction): number {
    const own = this.#bytesPerSecond.get(direction) ?? Infinity;
    return Math.min(own, this.#parent?.bytesPerSecond(direction) ?? Infinity);
  }

  /** True while the direction is held. */
  isHeld(direction: Direction): boolean {
    return this.#held.has(direction) || (this.#parent?.isHeld(direction) ?? false);
  }

  /** Sets the delay of the named directions. */
  delay(value: PerDirection): void {
    set(this.#delayMs, value);
  }

  /** Sets the rate of the named directions; 0 stops reading, Infinity removes the limit. */
  throttle(value: PerDirection): void {
    set(this.#bytesPerSecond, value);
  }

  /** Holds one direction, or both. */
  hold(direction?: Direction): void {
    for (const one of direction ? [direction] : DIRECTIONS) this.#held.add(one);
  }

  /** Releases one direction, or both. */
  release(direction?: Direction): void {
    for (const one of direction ? [direction] : DIRECTIONS) this.#held.delete(one);
  }
}

function set(values: Map<Direction, number>, given: PerDirection): void {
  for (const direction of DIRECTIONS) {
    const value = inDirection(given, direction);
    if (value !== undefined) values.set(direction, value);
  }
}
