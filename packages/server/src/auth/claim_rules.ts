import type { JWTPayload } from "jose";
import { refused, type Verification } from "./verification.ts";

/** What a token must say to be accepted, beside its signature. */
export interface ClaimRules {
  /** One of these must be in `aud`. */
  readonly audiences: readonly string[];
  /** `iss` must equal this; not checked when undefined. */
  readonly issuer: string | undefined;
  /** Clocks may differ by this much, in seconds. */
  readonly clockSkewSeconds: number;
}

/** The refusal of an expired token. */
export function refusedAsExpired(): Verification {
  return refused("token_expired", "The token has expired. Refresh the session and connect again.");
}

/** The refusal of a token for what its claim `name` says. The texts are fixed: nothing of the token gets into them. */
export function refusedForClaim(name: string): Verification {
  return refused("invalid_token", DETAILS.get(name) ?? "A claim of the token is not accepted.");
}

/**
 * Holds claims against the rules without looking at the signature; undefined when all are kept. For tokens that
 * somebody else vouches for: where the signature is checked here, jose checks the claims with it.
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
  const audiences = [claims.aud ?? []].flat();
  if (!audiences.some((audience) => rules.audiences.includes(audience))) return refusedForClaim("aud");
  if (rules.issuer !== undefined && claims.iss !== rules.issuer) return refusedForClaim("iss");
  return undefined;
}

const DETAILS: ReadonlyMap<string, string> = new Map([
  ["aud", "The token is not meant for this function (`aud`)."],
  ["iss", "The token is from another issuer (`iss`)."],
  ["exp", "The token has no expiry (`exp`)."],
  ["nbf", "The token is not valid yet (`nbf`)."],
  ["sub", "The token names no user (`sub`)."],
]);
