/** Assertions of the scenarios, for every runtime. */

/** Longest wait of a scenario, in milliseconds. */
const PATIENCE_MS = 10_000;

/** @throws {Error} saying both values as JSON, when they are not the same as JSON */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${what}: ${is}, and not ${should}`);
}

/** @throws {Error} naming what does not hold */
export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`It does not hold that ${what}.`);
}

/** Waits for a promise and leaves no timer. @throws {Error} naming it after a timeout */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited in vain for ${what}.`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the reason of a rejection. @throws {Error} if the promise resolves */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  const settled = promise.then((value) => ({ value }), (error: unknown) => ({ error }));
  const outcome = await soon(settled, what);
  if ("error" in outcome) return outcome.error;
  throw new Error(`${what} resolved with ${JSON.stringify(outcome.value)}.`);
}
