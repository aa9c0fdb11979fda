/** Rejection of a hook or a call that takes longer than `HOOK_TIMEOUT_MS`. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong";
}

/**
 * Settles as the value does, or rejects after a time. What a promise does later is ignored.
 * @throws {TookTooLong} as a rejection
 */
export async function withinTime<T>(value: T | Promise<T>, timeoutMs: number): Promise<T> {
  if (!isThenable(value)) return value;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TookTooLong(`It took longer than ${timeoutMs} ms.`)), timeoutMs);
  });
  try {
    return await Promise.race([value, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
