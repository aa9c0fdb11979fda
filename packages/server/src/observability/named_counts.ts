/** Names that are counted apart; the rest counts as `others`. */
const MAX_NAMES = 20;

/** Counts events by name. Keeps few names, since a client may invent them. */
export class NamedCounts {
  readonly #counts = new Map<string, number>();

  /** Counts an event. */
  add(name: string): void {
    const counted = this.#counts.has(name) || this.#counts.size < MAX_NAMES ? name : "others";
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
  }

  /** Returns all counts and their sum, and starts again at zero. */
  reset(): { readonly sum: number; readonly counts: readonly (readonly [string, number])[] } {
    const counts = [...this.#counts];
    this.#counts.clear();
    return { sum: counts.reduce((sum, [, count]) => sum + count, 0), counts };
  }
}
