// Types of @std/async 1.x, delay, as far as tests and tools use it.

export function delay(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
