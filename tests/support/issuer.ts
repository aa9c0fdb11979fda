import {
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

/** The algorithms of project keys. */
export type KeyAlgorithm = "ES256" | "RS256" | "EdDSA";

/** What a token of a test says; everything has a default that makes a good token. */
export interface TokenOptions {
  /** Claims to add or replace; undefined takes a claim away. */
  readonly claims?: JWTPayload;
  /** Header fields to replace, such as `kid`. */
  readonly header?: Partial<JWTHeaderParameters>;
}

/** A token issuer such as Supabase Auth, with a key of its own. */
export interface Issuer {
  readonly kid: string;
  readonly publicKey: CryptoKey;
  /** The public half, as the project publishes it. */
  readonly jwks: JSONWebKeySet;
  /** A signed token for a user, good for an hour unless `claims` say otherwise. */
  token(user: string, options?: TokenOptions): Promise<string>;
}

/** Creates an issuer with a fresh key. */
export async function createIssuer(
  alg: KeyAlgorithm = "ES256",
  kid: string = crypto.randomUUID(),
): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwks = { keys: [{ ...await exportJWK(publicKey), kid, alg, use: "sig" }] };
  return {
    kid,
    publicKey,
    jwks,
    token: (user, { claims, header } = {}) =>
      new SignJWT(defaultClaims(user, claims)).setProtectedHeader({ alg, kid, typ: "JWT", ...header }).sign(
        privateKey,
      ),
  };
}

/** The claims that Supabase Auth gives a signed-in user, with `changes` made. */
export function defaultClaims(user: string, changes: JWTPayload = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  const claims: JWTPayload = {
    sub: user,
    aud: "authenticated",
    role: "authenticated",
    email: `${user}@example.com`,
    session_id: `session-of-${user}`,
    aal: "aal1",
    is_anonymous: false,
    app_metadata: { provider: "email" },
    user_metadata: { name: user },
    iat: now,
    exp: now + 3600,
    ...changes,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
