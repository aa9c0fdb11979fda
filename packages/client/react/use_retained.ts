// @ts-types="@types/react"
import { useInsertionEffect, useRef, useState } from "react";

/**
 * Returns what `make` made for these keys: the same until one of them changes. Unlike `useMemo` it is never thrown away while the
 * component lives, nor made again by Fast Refresh; StrictMode calls `make` twice, so it has no side effects.
 */
export function useKept<T>(make: () => T, keys: readonly unknown[]): T {
  const [kept, keep] = useState(() => ({ value: make(), keys }));
  if (keys.every((key, index) => Object.is(key, kept.keys[index]))) return kept.value;
  const next = { value: make(), keys };
  keep(next);
  return next.value;
}

/** Returns where the value of the last committed render is found, for callbacks that run later. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  // An insertion effect: before every effect that may call back, and silent on the server.
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
