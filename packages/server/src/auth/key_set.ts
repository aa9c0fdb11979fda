import type { JSONWebKeySet, JWTHeaderParameters } from "jose";
import * as errors from "jose/errors";
import { createLocalJWKSet } from "jose/jwks/local";
import { importJWK } from "jose/key/import";

/** A key that can verify a signature. */
export type VerificationKey = CryptoKey | Uint8Array;

/** Where the keys come from that verify tokens locally. */
export interface KeySet {
  /**
   * The key for a token's header, or undefined when the set has none for it.
   * @throws {KeySetUnavailable} when the keys cannot be had right now
   * @throws {errors.JOSEError} when the header cannot be served by any set, so that the token is bad
   */
  find(header: JWTHeaderParameters): Promise<VerificationKey | undefined>;
  /** True where the set is the issuer's own current list: a key that is not in it does not exist. */
  readonly isCurrent: boolean;
}

/** The keys cannot be had right now; nothing is known about the token. */
export class KeySetUnavailable extends Error {
  override readonly name = "KeySetUnavailable";
}

/**
 * The key set of an inline JSON Web Key Set, such as `SUPABASE_JWKS`. An `oct` key in it verifies HS256; a public
 * key never does, even when a token's header asks for HS256 and names it.
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

/** The key set of a shared HS256 secret: it serves every HS256 token, whatever its `kid`. */
export function createSecretKeySet(secret: string): KeySet {
  const key = new TextEncoder().encode(secret);
  return {
    isCurrent: false,
    find: (header) => Promise.resolve(header.alg === "HS256" ? key : undefined),
  };
}
