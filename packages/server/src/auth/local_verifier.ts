import type { WallClock } from "../clocks.ts";
import type { JWTHeaderParameters } from "jose";
// Parts of jose, here and elsewhere: all of it costs a boot 6 ms more.
import * as errors from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import { type LocalRules, refusedAsExpired, refusedForClaim } from "./claim_rules.ts";
import { type KeySet, KeySetUnavailable, type VerificationKey } from "./key_set.ts";
import { type Refusal, refused, refusedAsMalformed, unavailable, type Verifier } from "./verification.ts";

/** Accepted algorithms. jose refuses others (`none`, RSA-PSS, HS384) before it asks for a key. */
const ALGORITHMS = ["ES256", "RS256", "EdDSA", "HS256"];

/**
 * Creates a verifier that asks `keySets` in order and checks the claims against `rules`. Its
 * refusal is for Auth if a secret signed the token, since secrets are in no list, and while there
 * never was a list. A public key in no list does not exist.
 */
export function createLocalVerifier(
  keySets: readonly KeySet[],
  rules: LocalRules,
  wallNow: WallClock,
): Verifier {
  const checks = { ...rules.checks, algorithms: ALGORITHMS };

  async function findKey(header: JWTHeaderParameters): Promise<VerificationKey> {
    for (const keySet of keySets) {
      const key = await keySet.find(header);
      if (key) return key;
    }
    throw header.alg === "HS256" ? new UnknownSecret() : new errors.JWKSNoMatchingKey();
  }

  return {
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, findKey, { ...checks, currentDate: new Date(wallNow()) });
        return rules.accept(payload);
      } catch (error) {
        return refusal(error);
      }
    },
  };
}

/** An HS256 token is signed with none of the known secrets. */
class UnknownSecret extends Error {}

/** Turns a failed check into a refusal. The texts are fixed, so that they never quote the token. */
function refusal(error: unknown): Refusal {
  if (error instanceof KeySetUnavailable) {
    const detail = "The keys that verify tokens cannot be fetched right now. Retry later.";
    // Without a fetch there is nothing to log: anybody can invent keys.
    const wasFetched = error.retryAfterMs === undefined;
    const verdict = unavailable(detail, wasFetched ? error : undefined, error.retryAfterMs);
    return error.isFirst ? { ...verdict, isForAuth: true } : verdict;
  }
  if (error instanceof UnknownSecret) {
    const detail =
      "The token is signed with a secret that this function does not have. Check AUTH_JWT_SECRET, " +
      "or set SUPABASE_URL and a publishable key, so that Supabase Auth can be asked.";
    return { ...refused("invalid_token", detail), isForAuth: true };
  }
  if (error instanceof errors.JWTExpired) return refusedAsExpired();
  if (error instanceof errors.JWTClaimValidationFailed) return refusedForClaim(error.claim);
  if (error instanceof errors.JWKSNoMatchingKey) {
    return refused(
      "invalid_token",
      "The token is signed with a key that this project does not have. Use a token of this project, and check " +
        "SUPABASE_URL and SUPABASE_JWKS.",
    );
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return refused(
      "invalid_token",
      "The token does not name its key (`kid`), and several keys fit. Add `kid` to its header.",
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refused(
      "invalid_token",
      "The token's signature is wrong. Use the token exactly as Supabase Auth issued it. If it is an HS256 token, " +
        "check AUTH_JWT_SECRET too.",
    );
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return refused(
      "invalid_token",
      "The token's algorithm (`alg`) is not accepted. Use ES256, RS256, EdDSA or HS256.",
    );
  }
  // Other errors are failures of jose or WebCrypto on a malformed token.
  return refusedAsMalformed();
}
