// @ts-types="@types/react"
import { useInsertionEffect, useRef, useState } from "react";

/**
 * Returns the value that `make` created for these keys; the same one until a key changes. Unlike
 * with `useMemo`, React never drops it, not even on Fast Refresh. StrictMode calls `make` twice, so
 * it must have no side effects.
 */
export function useRetained<T>(make: () => T, keys: readonly unknown[]): T {
  const [retained, retain] = useState(() => ({ value: make(), keys }));
  if (keys.every((key, index) => Object.is(key, retained.keys[index]))) return retained.value;
  const next = { value: make(), keys };
  retain(next);
  return next.value;
}

/** Returns a reference to the value of the last committed render, for callbacks that run later. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  // An insertion effect runs before all effects that may call back, and never on the server.
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
