/** Callbacks by kind. One that throws keeps no other from being called; its error is thrown as an uncaught one, as a DOM listener's is. */
export class Listeners<Kinds extends object> {
  readonly #listeners = new Map<keyof Kinds, Set<(value: never) => void>>();

  /** Adds a callback; what it returns takes it away. The same function added twice is called twice. */
  on<Kind extends keyof Kinds>(kind: Kind, listener: (value: Kinds[Kind]) => void): () => void {
    const own = (value: Kinds[Kind]) => listener(value);
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(own));
    return () => void listeners.delete(own);
  }

  /** Calls everybody who listened when it began. */
  tell<Kind extends keyof Kinds>(kind: Kind, value: Kinds[Kind]): void {
    for (const listener of [...this.#listeners.get(kind) ?? []]) {
      try {
        // `on` has put only listeners of this kind there.
        (listener as (value: Kinds[Kind]) => void)(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
