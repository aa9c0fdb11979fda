/** A random generator with the same numbers for the same seed, to repeat a test run. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Returns an integer from 0 to below `bound`. */
  below(bound: number): number {
    // mulberry32
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % bound;
  }

  /** Returns one of the choices. */
  pick<T>(choices: readonly T[]): T {
    const index = this.below(choices.length);
    // Undefined may be one of the choices, so the element needs the cast.
    return choices[index] as T;
  }
}
