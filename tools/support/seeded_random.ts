/** The same numbers for the same seed: what a test sent can be sent again. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    // mulberry32
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % bound;
  }

  /** One of several. */
  pick<T>(choices: readonly T[]): T {
    const index = this.below(choices.length);
    // Undefined may be one of the choices: what is picked is not looked at.
    return choices[index] as T;
  }
}
