import type { JWTHeaderParameters, JWTVerifyOptions } from "jose";
// Parts of jose, here and elsewhere: all of it costs a boot 6 ms more.
import * as errors from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import { acceptedClaims, type ClaimRules, refusedAsExpired, refusedForClaim } from "./claim_rules.ts";
import { type KeySet, KeySetUnavailable, type VerificationKey } from "./key_set.ts";
import { refused, refusedAsMalformed, unavailable, type Verification } from "./verification.ts";

/** Verifies tokens with the keys of key sets. */
export interface LocalVerifier {
  /**
   * Resolves with `no_key` if no key set has a key for the token, and none can rule it out. Auth
   * may then still know the token.
   */
  verify(token: string): Promise<Verification | "no_key">;
}

/** Accepted algorithms. jose refuses others (`none`, RSA-PSS, HS384) before it asks for a key. */
const ALGORITHMS = ["ES256", "RS256", "EdDSA", "HS256"];

/**
 * Creates a verifier that asks `keySets` in order and checks the claims against `rules`. `now`
 * returns milliseconds since 1970.
 */
export function createLocalVerifier(
  keySets: readonly KeySet[],
  rules: ClaimRules,
  now: () => number,
): LocalVerifier {
  const checks: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    audience: [...rules.audiences],
    ...(rules.issuer === undefined ? {} : { issuer: rules.issuer }),
    clockTolerance: rules.clockSkewSeconds,
    requiredClaims: ["exp", "sub"],
  };

  async function findKey(header: JWTHeaderParameters): Promise<VerificationKey> {
    for (const keySet of keySets) {
      const key = await keySet.find(header);
      if (key) return key;
      // A public key that is not in the issuer's own list does not exist. Secrets are in no list.
      if (keySet.isCurrent && header.alg !== "HS256") throw new errors.JWKSNoMatchingKey();
    }
    throw new NoKey();
  }

  return {
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, findKey, { ...checks, currentDate: new Date(now()) });
        return acceptedClaims(payload);
      } catch (error) {
        return error instanceof NoKey ? "no_key" : refusal(error);
      }
    },
  };
}

/** Internal signal for `no_key`; jose passes it on. */
class NoKey extends Error {}

/** Turns a failed check into a refusal. The texts are fixed, so that they never quote the token. */
function refusal(error: unknown): Verification {
  if (error instanceof KeySetUnavailable) {
    return unavailable("The keys that verify tokens cannot be fetched right now. Retry later.", error);
  }
  if (error instanceof errors.JWTExpired) return refusedAsExpired();
  if (error instanceof errors.JWTClaimValidationFailed) return refusedForClaim(error.claim);
  if (error instanceof errors.JWKSNoMatchingKey) {
    return refused(
      "invalid_token",
      "The token is signed with a key that this project does not have. Use a token of this project.",
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
      "The token's signature is wrong. Use the token exactly as Supabase Auth issued it.",
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
