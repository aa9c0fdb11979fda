import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Issues the tokens of one run, and knows the key set that verifies them. */
export interface TokenIssuer {
  /** The public key set, as JSON: what SUPABASE_JWKS holds. */
  readonly jwks: string;
  /** A token for a user of its own, ES256, valid for an hour. */
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
