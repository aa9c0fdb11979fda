import {
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

/** Algorithm of a project key. */
export type KeyAlgorithm = "ES256" | "RS256" | "EdDSA";

/** Changes to a token; the defaults make a valid one. */
export interface TokenOptions {
  /** Claims to add or replace; undefined removes a claim. */
  readonly claims?: Changes<JWTPayload>;
  /** Header fields to replace, such as `kid`; undefined removes a field. */
  readonly header?: Changes<JWTHeaderParameters>;
}

/** Fields to add or replace; undefined removes a field. */
export type Changes<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** Token issuer like Supabase Auth, with its own key: for local work and tests, never deployed. */
export interface Issuer {
  readonly alg: KeyAlgorithm;
  readonly kid: string;
  readonly publicKey: CryptoKey;
  /** Signs tokens that a real issuer would not sign; see forged_tokens.ts. */
  readonly privateKey: CryptoKey;
  /** Public key, as the project publishes it. */
  readonly jwks: JSONWebKeySet;
  /** Signs a user's token, valid for an hour unless `claims` change that. */
  token(user: string, options?: TokenOptions): Promise<string>;
}

/** Creates an issuer with a fresh key. */
export async function createIssuer(
  alg: KeyAlgorithm = "ES256",
  kid: string = crypto.randomUUID(),
): Promise<Issuer> {
  return await issuerOf(alg, kid, await generateKeyPair(alg, { extractable: true }));
}

/** Creates an issuer with a given key. */
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

/** Claims that Supabase Auth gives a signed-in user, with `changes` applied. */
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

/** Header of a token, with `changes` applied. */
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
