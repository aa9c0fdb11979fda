import { encode } from "jose/base64url";
import { CallLimit } from "../call_limit.ts";
import type { MonotonicClock } from "../clocks.ts";
import { ExpiringCache } from "../expiring_cache.ts";
import { CallPause } from "./call_pause.ts";
import { unavailable, type Verification } from "./verification.ts";

/** Options of `AuthGate`. */
export interface AuthGateOptions {
  /** Requests that may be under way; ten times as many may wait. */
  readonly requests: number;
  /** Longest wait for a request's turn, in milliseconds. */
  readonly maxWaitMs: number;
  /** Number of refusals that are remembered. */
  readonly refusalEntries: number;
  /** Time for which a refusal is remembered, in milliseconds. */
  readonly refusalMs: number;
  readonly fetch: typeof fetch;
  readonly now: MonotonicClock;
}

const WAITING_PER_REQUEST = 10;
const BUSY_RETRY_MS = 1_000;

/** More questions wait than the gate takes. */
class Busy extends Error {}

/**
 * Bounds what tokens cost Auth, since anybody can invent some: few requests are under way, a
 * refused token is refused again without a request, and after a 429 Auth has a pause. Tokens that
 * cannot be asked about are `auth_unavailable` with the time to wait, and leave no line in the log.
 */
export class AuthGate {
  readonly #options: AuthGateOptions;
  readonly #limit: CallLimit;
  readonly #pause: CallPause;
  /** Refusals by hash: a hash is shorter than a token, and is none. */
  readonly #refusals: ExpiringCache<string, Verification>;

  constructor(options: AuthGateOptions) {
    const { requests, refusalEntries, refusalMs, now } = options;
    this.#options = options;
    this.#limit = new CallLimit(requests, requests * WAITING_PER_REQUEST, () => new Busy());
    this.#pause = new CallPause(now);
    this.#refusals = new ExpiringCache({
      maxEntries: refusalEntries,
      now,
      expiresAt: (verdict, startedAtMs) =>
        !verdict.ok && verdict.code === "invalid_token" ? startedAtMs + refusalMs : -Infinity,
    });
  }

  /** Requests Auth, and begins a pause if the answer is 429. */
  readonly fetch: typeof fetch = async (input, init) => {
    const response = await this.#options.fetch(input, init);
    if (response.status === 429) this.#pause.refused(response.headers.get("retry-after"));
    return response;
  };

  /** Resolves with what `ask` finds out about a token, or with what is known without it. */
  async verify(token: string, ask: () => Promise<Verification>): Promise<Verification> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    return await this.#refusals.get(encode(new Uint8Array(digest)), () => this.#askInTurn(ask));
  }

  async #askInTurn(ask: () => Promise<Verification>): Promise<Verification> {
    const { maxWaitMs, now } = this.#options;
    const askedAt = now();
    if (this.#pause.waitMs > 0) return this.#paused();
    try {
      return await this.#limit.run(async () => {
        if (now() - askedAt > maxWaitMs) return busy();
        if (this.#pause.waitMs > 0) return this.#paused();
        const verdict = await this.#pause.run(ask);
        const retryAfterMs = Math.ceil(this.#pause.waitMs);
        return verdict.ok || verdict.code !== "auth_unavailable" || retryAfterMs === 0
          ? verdict
          : { ...verdict, retryAfterMs };
      });
    } catch (error) {
      if (error instanceof Busy) return busy();
      throw error;
    }
  }

  #paused(): Verification {
    return unavailable(
      "Supabase Auth takes no requests right now. Retry later.",
      undefined,
      this.#pause.waitMs,
    );
  }
}

function busy(): Verification {
  return unavailable("Too many tokens wait for Supabase Auth. Retry later.", undefined, BUSY_RETRY_MS);
}
