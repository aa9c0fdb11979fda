/** Number of kids that are remembered. Of a kid beyond it, the next fetch says nothing. */
const MAX_KIDS = 1_000;
/** Part of a kid that tells it apart, in characters: a token may hold one of many kilobytes. */
const MAX_KID_LENGTH = 128;

/**
 * Kids that a key set lacked, before and after its last complete fetch. Wrong kids do not exist,
 * new ones may: of a kid that appeared after the fetch nobody knows yet.
 */
export class UnknownKeys {
  #missing: ReadonlySet<string> = new Set();
  #seen = new Set<string>();

  /** Records a kid that the set lacks; undefined stands for a token that names none. */
  seen(kid: string | undefined): void {
    if (this.#seen.size < MAX_KIDS) this.#seen.add(keyOf(kid));
  }

  /**
   * Records a complete fetch: it answered about all kids seen so far, and about those it replaces.
   */
  fetched(replaced: Iterable<string>): void {
    for (const kid of replaced) this.#seen.add(keyOf(kid));
    this.#missing = this.#seen;
    this.#seen = new Set();
  }

  /** True if the last complete fetch did not bring this kid, though it was seen before. */
  wasMissing(kid: string | undefined): boolean {
    return this.#missing.has(keyOf(kid));
  }
}

function keyOf(kid: string | undefined): string {
  return kid?.slice(0, MAX_KID_LENGTH) ?? "";
}
