/** Most keys; later ones share one value, under `other`. */
const MAX_KEYS = 100;

/** Map with few keys that creates missing values: a label with many values is a memory leak. */
export class BoundedMap<V> {
  readonly #values = new Map<string, V>();
  readonly #create: (key: string) => V;

  constructor(create: (key: string) => V) {
    this.#create = create;
  }

  /** Returns the value of a key, created if it is missing. */
  get(key: string): V {
    const kept = this.#values.has(key) || this.#values.size < MAX_KEYS ? key : "other";
    let value = this.#values.get(kept);
    if (value === undefined) this.#values.set(kept, value = this.#create(kept));
    return value;
  }

  values(): Iterable<V> {
    return this.#values.values();
  }
}
