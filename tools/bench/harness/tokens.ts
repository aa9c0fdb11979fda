import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Issuer of the tokens of one run. */
export interface TokenIssuer {
  /** Public key set as JSON, the value of SUPABASE_JWKS. */
  readonly jwks: string;
  /** Issues an ES256 token for a new user, valid for an hour. */
  issue(): Promise<string>;
}

/** Creates an issuer with a new ES256 key. */
export async function createTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const kid = crypto.randomUUID();
  const jwk = { ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" };
  return {
    jwks: JSON.stringify({ keys: [jwk] }),
    issue: () =>
      new SignJWT({ role: "authenticated" })
        .setProtectedHeader({ alg: "ES256", kid, typ: "JWT" })
        .setSubject(crypto.randomUUID())
        .setAudience("authenticated")
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(privateKey),
  };
}

/** Issues `count` tokens, each for another user. */
export function issueTokens(issuer: TokenIssuer, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => issuer.issue()));
}
