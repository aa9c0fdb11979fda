import type { MonotonicClock, WallClock } from "../clocks.ts";
import { ExpiringCache } from "../expiring_cache.ts";
import { canonicalToken } from "./canonical_token.ts";
import type { TokenCheck } from "./session_watch.ts";
import type { User } from "./user.ts";
import { refused, refusedAsMalformed, type Verification, type Verifier } from "./verification.ts";

/** Options of `createVerifier`. */
export interface VerifierOptions {
  /** Verifies with keys; undefined if Auth verifies every token (`AUTH_POLICY=remote`). */
  readonly local: Verifier | undefined;
  /** Asks Auth; undefined without an API key. */
  readonly remote: Verifier | undefined;
  /** Number of verified tokens that are cached. */
  readonly cacheEntries: number;
  /** Time after which a cached token is verified again, in milliseconds. */
  readonly cacheMaxAgeMs: number;
  readonly now: MonotonicClock;
  readonly wallNow: WallClock;
}

/** Longer than any real access token. A longer one is refused before anything is computed of it. */
export const MAX_TOKEN_LENGTH = 16_384;

/**
 * Creates the verifier of the app: local keys first, Auth for tokens that no local key fits.
 * Verified tokens are cached, at most until they expire. Refusals are not.
 */
export function createVerifier(options: VerifierOptions): Verifier & TokenCheck {
  const { local, remote, cacheEntries, cacheMaxAgeMs, now, wallNow } = options;
  const cache = new ExpiringCache<string, Verification>({
    maxEntries: cacheEntries,
    now,
    expiresAt: (_verification, startedAtMs) => startedAtMs + cacheMaxAgeMs,
    isValid: (verification) => verification.ok && verification.user.expiresAt * 1000 > wallNow(),
  });

  // By claims, since middleware may hand on a copy of the user with other fields.
  const tokens = new WeakMap<User["claims"], string>();

  async function decide(token: string): Promise<Verification> {
    const verification = await local?.verify(token);
    if (remote && (!verification || !verification.ok && verification.isForAuth)) {
      return await remote.verify(token);
    }
    return verification ?? refused("invalid_token", "Nothing is configured that verifies tokens.");
  }

  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) {
        return refused(
          "invalid_token",
          `The token is longer than ${MAX_TOKEN_LENGTH} characters. Use the session's access_token.`,
        );
      }
      const canonical = canonicalToken(token);
      if (canonical === undefined) return refusedAsMalformed();
      const verification = await cache.get(canonical, () => decide(canonical));
      // Only Auth learns of an ended session. Tokens take memory as long as their sockets are open.
      if (verification.ok && !local) tokens.set(verification.user.claims, canonical);
      return verification;
    },
    tokenOf: ({ claims }) => tokens.get(claims),
    async verifyAgain(token) {
      cache.delete(token);
      return await cache.get(token, () => decide(token));
    },
  };
}
