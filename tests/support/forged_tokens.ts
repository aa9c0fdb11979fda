/** Tokens that an honest issuer never signs. */
import { base64url, CompactSign, type JWTHeaderParameters, SignJWT } from "jose";
import { type Changes, defaultClaims, headerWith, type Issuer } from "../../packages/cli/dev/issuer.ts";

/** Encodes a JSON value as one part of a token. */
export function encodePart(value: unknown): string {
  return base64url.encode(JSON.stringify(value));
}

/** Splits a signed token into its three parts. */
export function partsOf(token: string): readonly [header: string, payload: string, signature: string] {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return [header, payload, signature];
}

/** Creates an unsigned token with the given header and a valid payload. */
export function unsigned(header: object, user = "mallory"): string {
  return `${encodePart(header)}.${encodePart(defaultClaims(user))}.`;
}

/** Signs any payload and header with the issuer's key, even those that jose's SignJWT refuses. */
export function signAnything(
  { alg, kid, privateKey }: Issuer,
  payload: unknown,
  header: Changes<JWTHeaderParameters> = {},
): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader(headerWith({ alg, kid }, header))
    .sign(privateKey, { crit: Object.fromEntries((header.crit ?? []).map((name) => [name, true])) });
}

/** Signs a valid payload with a shared secret. */
export function signWithSecret(
  secret: string | Uint8Array,
  header: Changes<JWTHeaderParameters> = {},
  user = "alice",
): Promise<string> {
  return new SignJWT(defaultClaims(user))
    .setProtectedHeader(headerWith({ alg: "HS256" }, header))
    .sign(typeof secret === "string" ? new TextEncoder().encode(secret) : secret);
}
