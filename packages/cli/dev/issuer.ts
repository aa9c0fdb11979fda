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

/** What a token says beside the usual; everything has a default that makes a good token. */
export interface TokenOptions {
  /** Claims to add or replace; undefined takes a claim away. */
  readonly claims?: Changes<JWTPayload>;
  /** Header fields to replace, such as `kid`; undefined takes a field away. */
  readonly header?: Changes<JWTHeaderParameters>;
}

/** Fields to add or replace; undefined takes a field away. */
export type Changes<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** A token issuer such as Supabase Auth, with a key of its own: for local work and tests, never deployed. */
export interface Issuer {
  readonly alg: KeyAlgorithm;
  readonly kid: string;
  readonly publicKey: CryptoKey;
  /** For tokens that a real issuer would not sign; see forged_tokens.ts. */
  readonly privateKey: CryptoKey;
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
  return await issuerOf(alg, kid, await generateKeyPair(alg, { extractable: true }));
}

/** The issuer that signs with a given key. */
export async function issuerOf(
  alg: KeyAlgorithm,
  kid: string,
  { privateKey, publicKey }: CryptoKeyPair,
): Promise<Issuer> {
  const jwks = { keys: [{ ...await exportJWK(publicKey), kid, alg, use: "sig" }] };
  return {
    alg,
    kid,
    publicKey,
    privateKey,
    jwks,
    token: (user, { claims, header } = {}) =>
      new SignJWT(defaultClaims(user, claims)).setProtectedHeader(headerWith({ alg, kid }, header)).sign(
        privateKey,
      ),
  };
}

/** The claims that Supabase Auth gives a signed-in user, with `changes` made. */
export function defaultClaims(user: string, changes: Changes<JWTPayload> = {}): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return withChanges<JWTPayload>({
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
  }, changes);
}

/** The header of a token, with `changes` made. */
export function headerWith(
  header: JWTHeaderParameters,
  changes: Changes<JWTHeaderParameters> = {},
): JWTHeaderParameters {
  return withChanges<JWTHeaderParameters>({ typ: "JWT", ...header }, changes);
}

function withChanges<T extends object>(fields: T, changes: Changes<T>): T {
  const changed = Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(changed) as T;
}
