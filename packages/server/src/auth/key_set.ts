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
}

/** Details of a key set that cannot be fetched. */
export interface KeySetUnavailableOptions extends ErrorOptions {
  /** Time until the next fetch, in milliseconds; undefined if a fetch has failed right now. */
  readonly retryAfterMs?: number;
  /** True if there never was a key set, so that no key can be ruled out. */
  readonly isFirst?: boolean;
}

/** The keys cannot be fetched now, so a token cannot be judged. */
export class KeySetUnavailable extends Error {
  override readonly name = "KeySetUnavailable";
  readonly retryAfterMs: number | undefined;
  readonly isFirst: boolean;

  constructor(message: string, { retryAfterMs, isFirst = false, ...options }: KeySetUnavailableOptions = {}) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
    this.isFirst = isFirst;
  }
}

/**
 * Creates the key set of the public keys in a JSON Web Key Set. Its `oct` keys do not count: a
 * secret in a public document would let anybody sign.
 */
export function createPublicKeySet(jwks: JSONWebKeySet): KeySet {
  const keys = jwks.keys.filter((key) => key.kty !== "oct");
  const findPublic = createLocalJWKSet({ keys });
  return {
    async find(header) {
      try {
        return await findPublic(header);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        // The set has the key, but not for this algorithm: no other set would know better.
        if (header.kid !== undefined && keys.some((key) => key.kid === header.kid)) throw error;
        return undefined;
      }
    },
  };
}

/**
 * Creates the key set of an inline JSON Web Key Set, for example `SUPABASE_JWKS`. Its `oct` keys
 * verify HS256. A public key never does, even if a token's header asks for HS256 and names the key.
 */
export function createInlineKeySet(jwks: JSONWebKeySet): KeySet {
  const symmetric = jwks.keys.filter((key) => key.kty === "oct");
  const publicKeys = createPublicKeySet(jwks);

  async function findSecret(header: JWTHeaderParameters): Promise<VerificationKey | undefined> {
    const { kid } = header;
    if (kid !== undefined && jwks.keys.some((key) => key.kty !== "oct" && key.kid === kid)) {
      throw new errors.JOSEAlgNotAllowed("A public key cannot verify HS256");
    }
    const candidates = symmetric.filter((key) =>
      (kid === undefined || key.kid === kid) && (key.alg === undefined || key.alg === "HS256")
    );
    const [only] = candidates;
    return candidates.length === 1 && only ? await importJWK(only, "HS256") : undefined;
  }

  return { find: (header) => header.alg === "HS256" ? findSecret(header) : publicKeys.find(header) };
}

/** Creates the key set of a shared HS256 secret, which serves HS256 tokens with any `kid`. */
export function createSecretKeySet(secret: string): KeySet {
  const key = new TextEncoder().encode(secret);
  return { find: (header) => Promise.resolve(header.alg === "HS256" ? key : undefined) };
}
