import type { JWTClaimVerificationOptions, JWTPayload } from "jose";
import { isRole, keyUserFromClaims, userFromClaims } from "./user.ts";
import { type Refusal, refused, type Verification } from "./verification.ts";

/** Rules for the claims of a token. */
export interface ClaimRules {
  /** `aud` must contain one of these. */
  readonly audiences: readonly string[];
  /** `iss` must equal this; undefined skips the check. */
  readonly issuer: string | undefined;
  /** Largest difference between the issuer's clock and ours, in seconds. */
  readonly clockSkewSeconds: number;
}

/** Rules for the claims of a token that a local key verifies. */
export interface LocalRules {
  /** Checks that jose does. */
  readonly checks: JWTClaimVerificationOptions;
  /** Decides about claims that pass the checks. */
  accept(claims: JWTPayload): Verification;
}

/** Returns the rules for users' tokens. */
export function rulesForUsers({ audiences, issuer, clockSkewSeconds }: ClaimRules): LocalRules {
  return {
    checks: {
      audience: [...audiences],
      ...(issuer === undefined ? {} : { issuer }),
      clockTolerance: clockSkewSeconds,
      requiredClaims: ["exp", "sub"],
    },
    accept: acceptedClaims,
  };
}

/**
 * Returns the rules for API keys and tokens of the project's own making: `role` in place of `sub`
 * and `aud`. An `aud` still has to fit if there is one. A token with `sub` has to be of the issuer;
 * Supabase's legacy keys never are.
 */
export function rulesForKeys({ audiences, issuer, clockSkewSeconds }: ClaimRules): LocalRules {
  return {
    checks: { clockTolerance: clockSkewSeconds, requiredClaims: ["exp", "role"] },
    accept(claims) {
      const { aud, iss, role, sub } = claims;
      if (aud !== undefined && !isFor(aud, audiences)) return refusedForClaim("aud");
      if (!isRole(role)) return refusedForClaim("role");
      if (sub !== undefined) {
        return issuer === undefined || iss === issuer ? acceptedClaims(claims) : refusedForClaim("iss");
      }
      const user = keyUserFromClaims(claims);
      return user ? { ok: true, user } : refusedForClaim("exp");
    },
  };
}

/** Refuses an expired token. */
export function refusedAsExpired(): Refusal {
  return refused("token_expired", "The token has expired. Refresh the session and connect again.");
}

/** Refuses a token for its claim `name`. The texts are fixed, so they never quote the token. */
export function refusedForClaim(name: string): Refusal {
  return refused(
    "invalid_token",
    DETAILS.get(name) ?? "A claim of the token is not accepted. Sign in to this project again.",
  );
}

/** Accepts the claims of a verified token, unless they name no user. */
export function acceptedClaims(claims: JWTPayload): Verification {
  const user = userFromClaims(claims);
  return user ? { ok: true, user } : refusedForClaim("sub");
}

/**
 * Checks claims against the rules, but not the signature; undefined if the claims keep them all.
 * For tokens that Auth verifies: for tokens with a local key, jose checks the claims.
 */
export function refusedByRules(
  claims: JWTPayload,
  rules: ClaimRules,
  nowMs: number,
): Verification | undefined {
  const nowSeconds = nowMs / 1000;
  if (typeof claims.exp !== "number") return refusedForClaim("exp");
  if (claims.exp + rules.clockSkewSeconds <= nowSeconds) return refusedAsExpired();
  if (typeof claims.nbf === "number" && claims.nbf - rules.clockSkewSeconds > nowSeconds) {
    return refusedForClaim("nbf");
  }
  if (!isFor(claims.aud, rules.audiences)) return refusedForClaim("aud");
  if (rules.issuer !== undefined && claims.iss !== rules.issuer) return refusedForClaim("iss");
  return undefined;
}

function isFor(aud: JWTPayload["aud"], audiences: readonly string[]): boolean {
  return [aud ?? []].flat().some((audience) => audiences.includes(audience));
}

const DETAILS: ReadonlyMap<string, string> = new Map([
  ["aud", "The token is for another audience (`aud`). AUTH_AUDIENCE lists the accepted ones."],
  ["iss", "The token is from another issuer (`iss`). AUTH_ISSUER names the accepted one."],
  ["exp", "The token has no expiry (`exp`). Use a user's access token."],
  ["nbf", "The token is not valid yet (`nbf`). Check the issuer's clock."],
  [
    "sub",
    "The token's `sub` names no user: it is missing, or `service_role`, `postgres` or `anon`, or the id of an API key's " +
    "user. Use a user's access token.",
  ],
  [
    "role",
    "The key has no `role`, or one that is no name of a Postgres role. Use a key of the project, for example the " +
    "publishable one.",
  ],
]);
