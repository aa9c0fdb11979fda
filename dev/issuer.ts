import {
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";

/** The algorithms of project keys. */
export type KeyAlgorithm = "ES256" | "RS256" | "EdDSA";

/** What a token says beside the usual; everything has a default that makes a good token. */
export interface TokenOptions {
  /** Claims to add or replace; undefined takes a claim away. */
  readonly claims?: JWTPayload;
  /** Header fields to replace, such as `kid`. */
  readonly header?: Partial<JWTHeaderParameters>;
}

/** A token issuer such as Supabase Auth, with a key of its own: for local work and tests, never deployed. */
export interface Issuer {
  readonly kid: string;
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
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return await issuerOf({ ...await exportJWK(privateKey), kid, alg });
}

/** The issuer whose key is in a file; the first call makes both, so that tokens outlive a restart. */
export async function loadIssuer(file: URL): Promise<Issuer> {
  try {
    return await issuerOf(JSON.parse(await Deno.readTextFile(file)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = { ...await exportJWK(privateKey), kid: crypto.randomUUID(), alg: "ES256" };
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, JSON.stringify(key), { mode: 0o600 });
  return await issuerOf(key);
}

async function issuerOf(key: JWK & { kid: string; alg: string }): Promise<Issuer> {
  const { kid, alg } = key;
  const privateKey = await importJWK(key, alg);
  const publicKey: JWK = { ...key, use: "sig" };
  for (const secret of ["d", "p", "q", "dp", "dq", "qi"] as const) delete publicKey[secret];
  return {
    kid,
    jwks: { keys: [publicKey] },
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
