import type { JWTHeaderParameters, JWTVerifyOptions } from "jose";
// By the part, here and elsewhere: importing all of jose costs a boot 6 ms more.
import * as errors from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import { type ClaimRules, refusedAsExpired, refusedForClaim } from "./claim_rules.ts";
import { type KeySet, KeySetUnavailable, type VerificationKey } from "./key_set.ts";
import { userFromClaims } from "./user.ts";
import { refused, unavailable, type Verification } from "./verification.ts";

/** Verifies tokens with keys at hand. */
export interface LocalVerifier {
  /** `no_key` when no key set has a key for this token and none of them can rule it out: somebody else may know. */
  verify(token: string): Promise<Verification | "no_key">;
}

/** Everything else (`none`, the RSA-PSS family, HS384 …) is refused by jose before it asks for a key. */
const ALGORITHMS = ["ES256", "RS256", "EdDSA", "HS256"];

/** Creates a verifier that asks `keySets` in order and checks the claims by `rules`; `now` in ms since 1970. */
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
      // The issuer's own list does not have the public key: nobody has. (Secrets are in no public list.)
      if (keySet.isCurrent && header.alg !== "HS256") throw new errors.JWKSNoMatchingKey();
    }
    throw new NoKey();
  }

  return {
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, findKey, { ...checks, currentDate: new Date(now()) });
        const user = userFromClaims(payload);
        return user ? { ok: true, user } : refusedForClaim("sub");
      } catch (error) {
        return error instanceof NoKey ? "no_key" : refusal(error);
      }
    },
  };
}

/** No key set has a key for the token, and none can rule it out. */
class NoKey extends Error {}

/** What a failed check is to the client. The texts are fixed: nothing of the token gets into them. */
function refusal(error: unknown): Verification {
  if (error instanceof KeySetUnavailable) {
    return unavailable("The keys that verify tokens cannot be fetched right now.", error);
  }
  if (error instanceof errors.JWTExpired) return refusedAsExpired();
  if (error instanceof errors.JWTClaimValidationFailed) return refusedForClaim(error.claim);
  if (error instanceof errors.JWKSNoMatchingKey) {
    return refused("invalid_token", "The token is signed with a key that this project does not have.");
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return refused("invalid_token", "The token must name its key (`kid`): several could have signed it.");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refused("invalid_token", "The token's signature is not right.");
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return refused("invalid_token", "The token is signed in a way that is not accepted.");
  }
  // What is left is jose or WebCrypto failing on a malformed token.
  return refused("invalid_token", "The token is not a JSON Web Token.");
}
