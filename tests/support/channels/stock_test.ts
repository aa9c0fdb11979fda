/**
 * Registers a test with a client of supabase-js. Its `disconnect` leaves a timer of ten seconds
 * behind, and its `httpSend` a body that is not read: no leak of ours.
 */
export function stockTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}
