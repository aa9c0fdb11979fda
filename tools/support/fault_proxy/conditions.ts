import { type Direction, DIRECTIONS, inDirection, type PerDirection } from "./faults.ts";

/** What the network is like, in each direction: for one connection, or, as the parent of those, for all. */
export class Conditions {
  readonly #parent: Conditions | undefined;
  readonly #delayMs = new Map<Direction, number>();
  readonly #bytesPerSecond = new Map<Direction, number>();
  readonly #held = new Set<Direction>();

  constructor(parent?: Conditions) {
    this.#parent = parent;
  }

  /** How long a chunk that comes now is kept back: the parent's delay and the own one together. */
  delayMs(direction: Direction): number {
    return (this.#parent?.delayMs(direction) ?? 0) + (this.#delayMs.get(direction) ?? 0);
  }

  /** How fast may be read: the slower of the parent's rate and the own one; Infinity unless one was set. */
  bytesPerSecond(direction: Direction): number {
    const own = this.#bytesPerSecond.get(direction) ?? Infinity;
    return Math.min(own, this.#parent?.bytesPerSecond(direction) ?? Infinity);
  }

  /** Whether nothing goes on. */
  isHeld(direction: Direction): boolean {
    return this.#held.has(direction) || (this.#parent?.isHeld(direction) ?? false);
  }

  /** Sets the delay of the directions that are named. */
  delay(value: PerDirection): void {
    set(this.#delayMs, value);
  }

  /** Sets the rate of the directions that are named; 0 stops reading, Infinity lifts it. */
  throttle(value: PerDirection): void {
    set(this.#bytesPerSecond, value);
  }

  /** Holds one direction, or both. */
  hold(direction?: Direction): void {
    for (const one of direction ? [direction] : DIRECTIONS) this.#held.add(one);
  }

  /** Lets go of one direction, or both. */
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
