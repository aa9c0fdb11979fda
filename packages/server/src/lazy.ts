/** A value that is loaded when it is first needed, once. */
export interface Lazy<T> {
  /** The value, or undefined while it is not loaded. */
  readonly loaded: T | undefined;
  /**
   * Resolves with the value; loads it at the first call. Rejects with the reason when that failed.
   */
  load(): Promise<T>;
}

/** Makes a value lazy. A failure reaches the callers of `load` only. */
export function createLazy<T>(load: () => Promise<T>): Lazy<T> {
  let loading: Promise<T> | undefined;
  let loaded: T | undefined;
  return {
    get loaded() {
      return loaded;
    },
    load() {
      if (!loading) {
        loading = load().then((value) => loaded = value);
        loading.catch(() => {});
      }
      return loading;
    },
  };
}
