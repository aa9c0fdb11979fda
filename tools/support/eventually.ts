import { deadline, delay } from "@std/async";
import { PATIENCE_MS } from "./wire/socket_client.ts";

/** Pause between two checks. */
const PAUSE_MS = 50;

/** Looks again and again until `isRight`; for what only real time brings about. Rejects when it takes too long. */
export async function eventually<T>(look: () => Promise<T>, isRight: (seen: T) => boolean): Promise<T> {
  const patience = new AbortController();
  async function keepLooking(): Promise<T> {
    for (;;) {
      const seen = await look();
      if (isRight(seen)) return seen;
      await delay(PAUSE_MS, { signal: patience.signal });
    }
  }
  const looking = keepLooking();
  try {
    return await deadline(looking, PATIENCE_MS);
  } finally {
    patience.abort();
    await looking.catch(() => {/* deadline() has said it */});
  }
}
