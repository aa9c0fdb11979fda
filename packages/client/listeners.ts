/**
 * Callbacks by kind. One that throws does not stop the others; its error is reported as uncaught,
 * like a DOM listener's.
 */
export class Listeners<Kinds extends object> {
  readonly #listeners = new Map<keyof Kinds, Set<(value: never) => void>>();

  /** Adds a callback and returns its removal. The same function added twice is called twice. */
  on<Kind extends keyof Kinds>(kind: Kind, listener: (value: Kinds[Kind]) => void): () => void {
    const own = (value: Kinds[Kind]) => listener(value);
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(own));
    return () => void listeners.delete(own);
  }

  /** Calls every callback that was there at the start of the call. */
  emit<Kind extends keyof Kinds>(kind: Kind, value: Kinds[Kind]): void {
    for (const listener of [...this.#listeners.get(kind) ?? []]) {
      try {
        // `on` stores only listeners of this kind under it.
        (listener as (value: Kinds[Kind]) => void)(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
