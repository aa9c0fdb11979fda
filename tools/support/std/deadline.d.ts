// Types of @std/async 1.x, deadline, as far as tests and tools use it.

/** Rejects with a DOMException named TimeoutError when `ms` are over before `p` settles. */
export function deadline<T>(p: Promise<T>, ms: number): Promise<T>;
