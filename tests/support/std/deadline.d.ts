// The types of @std/async 1.x, deadline.

export interface DeadlineOptions {
  signal?: AbortSignal;
}
/** Rejects with a DOMException named TimeoutError when `ms` are over before `p` settles. */
export function deadline<T>(p: Promise<T>, ms: number, options?: DeadlineOptions): Promise<T>;
