/**
 * Keys that are used for what they are not: above all a public key, which everybody has, as a
 * shared secret.
 */
import { exportSPKI } from "jose";
import { encodePart, partsOf, signWithSecret } from "../support/forged_tokens.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { startServer } from "../support/running_server.ts";
import { assertAccepted, assertRefused } from "../support/token_checks.ts";

const SECRET = "a shared secret of at least 32 characters";

/** Texts of a public key that could be taken for a secret. */
const AS_SECRET: Record<string, (issuer: Issuer) => Promise<string | Uint8Array>> = {
  "in PEM": ({ publicKey }) => exportSPKI(publicKey),
  "in PEM with a line end": async ({ publicKey }) => `${await exportSPKI(publicKey)}\n`,
  "as JWK": ({ jwks }) => Promise.resolve(JSON.stringify(jwks.keys[0])),
  "as key set": ({ jwks }) => Promise.resolve(JSON.stringify(jwks)),
  "as x": ({ jwks }) => Promise.resolve(String(jwks.keys[0]?.x)),
  "as raw bytes": async ({ publicKey }) => new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)),
  "as SPKI bytes": async ({ publicKey }) => new Uint8Array(await crypto.subtle.exportKey("spki", publicKey)),
};

for (const [how, secretOf] of Object.entries(AS_SECRET)) {
  Deno.test(`an HS256 token signed with the public key ${how} is invalid, whatever it names and else is trusted`, async () => {
    const issuer = await createIssuer();
    const jwks = {
      keys: [...issuer.jwks.keys, { kty: "oct", kid: "shared", alg: "HS256", k: encodePart(SECRET) }],
    };
    const environments = [{}, { AUTH_JWT_SECRET: SECRET }, { SUPABASE_JWKS: JSON.stringify(jwks) }];
    for (const env of environments) {
      for (const kid of [issuer.kid, undefined, "shared"]) {
        await using running = await startServer({ issuer, env });
        await assertRefused(running, await signWithSecret(await secretOf(issuer), { kid }, "mallory"));
      }
    }
  });
}

Deno.test("an HS256 token signed with an RSA public key in PEM is invalid", async () => {
  const issuer = await createIssuer("RS256");
  for (const kid of [issuer.kid, undefined]) {
    await using running = await startServer({ issuer });
    await assertRefused(
      running,
      await signWithSecret(await exportSPKI(issuer.publicKey), { kid }, "mallory"),
    );
  }
});

Deno.test("a signature is not tried with a key of another kind that its header names", async () => {
  const [elliptic, rsa] = [await createIssuer("ES256"), await createIssuer("RS256")];
  const jwks = { keys: [...elliptic.jwks.keys, ...rsa.jwks.keys] };
  const env = { SUPABASE_JWKS: JSON.stringify(jwks) };
  const [, payload, signature] = partsOf(await elliptic.token("alice"));
  for (const header of [{ alg: "RS256", kid: rsa.kid }, { alg: "ES256", kid: rsa.kid }, { alg: "RS256" }]) {
    await using running = await startServer({ issuer: elliptic, env });
    await assertRefused(running, `${encodePart(header)}.${payload}.${signature}`);
  }
});

Deno.test("a key that the set has for encryption verifies nothing", async () => {
  const issuer = await createIssuer();
  const jwks = { keys: issuer.jwks.keys.map((key) => ({ ...key, use: "enc" })) };
  await using running = await startServer({ issuer, env: { SUPABASE_JWKS: JSON.stringify(jwks) } });
  await assertRefused(running, await issuer.token("alice"));
});

Deno.test("with several keys in the set, a token has to name its own", async () => {
  const [first, second] = [await createIssuer(), await createIssuer()];
  const jwks = { keys: [...first.jwks.keys, ...second.jwks.keys] };
  for (const issuer of [first, second]) {
    await using running = await startServer({ issuer, env: { SUPABASE_JWKS: JSON.stringify(jwks) } });
    await assertAccepted(running, await issuer.token("alice"));
  }
  await using running = await startServer({ issuer: first, env: { SUPABASE_JWKS: JSON.stringify(jwks) } });
  await assertRefused(running, await first.token("alice", { header: { kid: undefined } }));
});
