import { deadline, delay } from "@std/async";
import { PATIENCE_MS } from "./wire/socket_client.ts";

/** Pause between two checks. */
const PAUSE_MS = 50;

/**
 * Polls `read` until `isRight`, for conditions that need real time; rejects after the time limit.
 */
export async function eventually<T>(
  read: () => Promise<T>,
  isRight: (value: T) => boolean,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const timeout = new AbortController();
  async function poll(): Promise<T> {
    for (;;) {
      const value = await read();
      if (isRight(value)) return value;
      await delay(PAUSE_MS, { signal: timeout.signal });
    }
  }
  const polling = poll();
  try {
    return await deadline(polling, patienceMs);
  } finally {
    timeout.abort();
    await polling.catch(() => {/* deadline() has rejected */});
  }
}
