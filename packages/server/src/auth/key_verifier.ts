import type { JWTPayload } from "jose";
import { decodeJwt } from "jose/jwt/decode";
import type { WallClock } from "../clocks.ts";
import { refusedAsExpired } from "./claim_rules.ts";
import { createKeyCheck, type IsSecretKey, SECRET_KEY_PREFIX } from "./secret_keys.ts";
import { createRoleUser, keyUserFromClaims, type User, withFreshId } from "./user.ts";
import { type Refusal, refused, type Verification, type Verifier } from "./verification.ts";
import { MAX_TOKEN_LENGTH } from "./verifier.ts";

const isOfPublishableForm = (text: string) => text.startsWith("sb_publishable_");

/** Options of `createKeyVerifier`. */
export interface KeyVerifierOptions {
  /** Verifies users' tokens. */
  readonly users: Verifier;
  /** Verifies tokens by the rules for keys. */
  readonly keys: Verifier;
  /** False if Auth verifies every user's token (`AUTH_POLICY=remote`). */
  readonly isLocal: boolean;
  readonly isSecretKey: IsSecretKey;
  readonly publishableKeys: readonly string[];
  /** The project's legacy key for the role `anon`. */
  readonly anonKey: string | undefined;
  readonly clockSkewSeconds: number;
  readonly wallNow: WallClock;
}

/**
 * Creates the verifier of API keys: publishable keys, legacy keys, and tokens with `role` that the
 * project's keys verify. It accepts all that `users` accepts. A secret key is refused: it
 * counts in a header only, since addresses end up in logs.
 */
export function createKeyVerifier(options: KeyVerifierOptions): Verifier {
  const { users, keys, isLocal, isSecretKey, anonKey = "", clockSkewSeconds, wallNow } = options;
  // New projects have a publishable key in place of the legacy one.
  const publishableKeys = [...options.publishableKeys, anonKey].filter(isOfPublishableForm);
  const isPublishableKey = createKeyCheck(publishableKeys);
  const anon = anonKeyOf(anonKey);

  function verifyPublishable(key: string): Verification {
    if (isPublishableKey(key)) return { ok: true, user: createRoleUser("anon") };
    return publishableKeys.length === 0 ? NO_PUBLISHABLE_KEY : UNKNOWN_PUBLISHABLE_KEY;
  }

  async function verifyToken(token: string): Promise<Verification> {
    const claims = claimsOf(token);
    if (!claims) return NO_KEY;
    // Only Auth knows whether a user's session goes on, and it asks for `aud`.
    if (claims.sub !== undefined && (claims.aud !== undefined || !isLocal)) return await users.verify(token);
    const verification = await keys.verify(token);
    if (verification.ok) return { ok: true, user: withFreshId(verification.user) };
    // Auth is not asked about keys, so the advice differs from that for users' tokens.
    return verification.isForAuth && verification.code === "invalid_token" ? UNKNOWN_SECRET : verification;
  }

  return {
    async verify(text) {
      if (text.length > MAX_TOKEN_LENGTH) return TOO_LONG;
      if (text.startsWith(SECRET_KEY_PREFIX)) return SECRET_KEY;
      if (isOfPublishableForm(text)) return verifyPublishable(text);
      if (anon?.isKey(text)) {
        const isExpired = (anon.user.expiresAt + clockSkewSeconds) * 1000 <= wallNow();
        return isExpired ? refusedAsExpired() : { ok: true, user: withFreshId(anon.user) };
      }
      const verification = await verifyToken(text);
      return !verification.ok && isSecretKey(text) ? SECRET_KEY : verification;
    },
  };
}

/**
 * Reads the legacy key for `anon`: it counts even if its signing secret is not known here.
 * Undefined for a key of another role, which a mistake in the configuration must not make public.
 */
function anonKeyOf(key: string): { readonly user: User; readonly isKey: IsSecretKey } | undefined {
  const claims = claimsOf(key);
  if (claims?.["role"] !== "anon" || claims.sub !== undefined) return undefined;
  const user = keyUserFromClaims(claims);
  return user && { user, isKey: createKeyCheck([key]) };
}

/** Reads the claims of a token without verifying it; undefined for other text. */
function claimsOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

const invalid = (detail: string): Refusal => refused("invalid_token", detail);

const SECRET_KEY = invalid("This is a secret key. Send it in the header `x-api-key` or as the bearer token.");
const NO_PUBLISHABLE_KEY = invalid("The server knows no publishable key. Set SUPABASE_PUBLISHABLE_KEYS.");
const UNKNOWN_PUBLISHABLE_KEY = invalid(
  "The project does not have this publishable key. Compare it with SUPABASE_PUBLISHABLE_KEYS.",
);
const UNKNOWN_SECRET = invalid(
  "The API key is signed with a secret that this server does not have. Set AUTH_JWT_SECRET, or SUPABASE_ANON_KEY if " +
    "it is the project's anon key.",
);
const NO_KEY = invalid(
  "The API key is neither a publishable key nor a JSON Web Token. Use the project's publishable key.",
);
const TOO_LONG = invalid(
  `The API key is longer than ${MAX_TOKEN_LENGTH} characters. Use the project's publishable key.`,
);
