/** Tokens that no honest issuer makes. */
import { base64url, CompactSign, type JWTHeaderParameters, SignJWT } from "jose";
import { type Changes, defaultClaims, headerWith, type Issuer } from "../../packages/cli/dev/issuer.ts";

/** A JSON value as one part of a token. */
export function encodePart(value: unknown): string {
  return base64url.encode(JSON.stringify(value));
}

/** The three parts of a signed token. */
export function partsOf(token: string): readonly [header: string, payload: string, signature: string] {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return [header, payload, signature];
}

/** A token with the given header and a payload that is good, signed by nobody. */
export function unsigned(header: object, user = "mallory"): string {
  return `${encodePart(header)}.${encodePart(defaultClaims(user))}.`;
}

/** Any payload and header, truly signed with the issuer's key: what jose's SignJWT would refuse to sign. */
export function signAnything(
  { alg, kid, privateKey }: Issuer,
  payload: unknown,
  header: Changes<JWTHeaderParameters> = {},
): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader(headerWith({ alg, kid }, header))
    .sign(privateKey, { crit: Object.fromEntries((header.crit ?? []).map((name) => [name, true])) });
}

/** A good payload, signed with a shared secret. */
export function signWithSecret(
  secret: string | Uint8Array,
  header: Changes<JWTHeaderParameters> = {},
  user = "alice",
): Promise<string> {
  return new SignJWT(defaultClaims(user))
    .setProtectedHeader(headerWith({ alg: "HS256" }, header))
    .sign(typeof secret === "string" ? new TextEncoder().encode(secret) : secret);
}
