import type { MonotonicClock } from "../clocks.ts";

/** Options of `createAuthProbe`. */
export interface AuthProbeOptions {
  /** Address of the project. */
  readonly supabaseUrl: string;
  /** Publishable (or legacy anon) key, which gateways want to see. */
  readonly apiKey: string;
  /** Time after which Auth counts as unreachable. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  readonly now: MonotonicClock;
}

/** Time for which an answer holds: anybody may ask for the server's readiness, at any rate. */
const HOLD_MS = 2_000;

/**
 * Creates a check that Supabase Auth answers (`GET /auth/v1/health`). It rejects while Auth does
 * not. Concurrent callers share one request.
 */
export function createAuthProbe(options: AuthProbeOptions): () => Promise<void> {
  const { supabaseUrl, apiKey, timeoutMs, now } = options;
  let last: { readonly result: Promise<void>; settledAt: number } | undefined;

  async function ask(): Promise<void> {
    const response = await options.fetch(`${supabaseUrl}/auth/v1/health`, {
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
      headers: { apikey: apiKey },
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`Supabase Auth answered ${response.status} to a health check`);
  }

  return () => {
    if (!last || now() - last.settledAt >= HOLD_MS) {
      const probe = last = { result: ask(), settledAt: Infinity };
      const settle = () => void (probe.settledAt = now());
      void probe.result.then(settle, settle);
    }
    return last.result;
  };
}
