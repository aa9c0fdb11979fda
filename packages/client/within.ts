import type { Clock } from "./clock.ts";

/** Resolves with a promise, or after a time. */
export async function within(
  promise: Promise<void> | null | undefined,
  ms: number,
  clock: Clock,
): Promise<void> {
  let cancel = () => {};
  const timedOut = new Promise<void>((resolve) => {
    cancel = clock.setTimer(resolve, ms);
  });
  await Promise.race([promise, timedOut]);
  cancel();
}
