import type { JSONWebKeySet, JWTHeaderParameters } from "jose";
import * as errors from "jose/errors";
import { createLocalJWKSet } from "jose/jwks/local";
import { importJWK } from "jose/key/import";

/** Key that verifies signatures. */
export type VerificationKey = CryptoKey | Uint8Array;

/** Source of keys that verify tokens locally. */
export interface KeySet {
  /**
   * Finds the key for a token's header; undefined if the set has none.
   * @throws {KeySetUnavailable} while the keys cannot be fetched
   * @throws {errors.JOSEError} for a header that no key set can serve: the token is bad
   */
  find(header: JWTHeaderParameters): Promise<VerificationKey | undefined>;
  /** True for the issuer's own current list: a key that is not in it does not exist. */
  readonly isCurrent: boolean;
}

/** The keys cannot be fetched now, so a token cannot be judged. */
export class KeySetUnavailable extends Error {
  override readonly name = "KeySetUnavailable";
}

/**
 * Creates the key set of an inline JSON Web Key Set, for example `SUPABASE_JWKS`. Its `oct` keys
 * verify HS256. A public key never does, even if a token's header asks for HS256 and names the key.
 */
export function createInlineKeySet(jwks: JSONWebKeySet): KeySet {
  const symmetric = jwks.keys.filter((key) => key.kty === "oct");
  const asymmetric = jwks.keys.filter((key) => key.kty !== "oct");
  const findPublic = createLocalJWKSet({ keys: asymmetric });

  async function findSecret(header: JWTHeaderParameters): Promise<VerificationKey | undefined> {
    if (header.kid !== undefined && asymmetric.some((key) => key.kid === header.kid)) {
      throw new errors.JOSEAlgNotAllowed("A public key cannot verify HS256");
    }
    const candidates = symmetric.filter((key) =>
      (header.kid === undefined || key.kid === header.kid) && (key.alg === undefined || key.alg === "HS256")
    );
    const [only] = candidates;
    return candidates.length === 1 && only ? await importJWK(only, "HS256") : undefined;
  }

  return {
    isCurrent: false,
    async find(header) {
      if (header.alg === "HS256") return await findSecret(header);
      try {
        return await findPublic(header);
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey) return undefined;
        throw error;
      }
    },
  };
}

/** Creates the key set of a shared HS256 secret, which serves HS256 tokens with any `kid`. */
export function createSecretKeySet(secret: string): KeySet {
  const key = new TextEncoder().encode(secret);
  return {
    isCurrent: false,
    find: (header) => Promise.resolve(header.alg === "HS256" ? key : undefined),
  };
}
