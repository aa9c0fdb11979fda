import { base64url, SignJWT } from "jose";
import { signWithSecret } from "../support/forged_tokens.ts";
import { createIssuer, defaultClaims, type KeyAlgorithm } from "../../packages/cli/dev/issuer.ts";
import { startServer } from "../support/running_server.ts";
import { assertAccepted, assertRefused } from "../support/token_checks.ts";

const SECRET = "a shared secret of at least 32 characters";
const OTHER_SECRET = "another secret that is at least as long as that";

/** A key set with a shared secret in it, as a project with a legacy secret has it. */
function withSecret(secret: string, kid = "shared"): { SUPABASE_JWKS: string } {
  const key = { kty: "oct", kid, alg: "HS256", k: base64url.encode(secret) };
  return { SUPABASE_JWKS: JSON.stringify({ keys: [key] }) };
}

const ALGORITHMS: readonly KeyAlgorithm[] = ["ES256", "RS256", "EdDSA"];
for (const alg of ALGORITHMS) {
  Deno.test(`a token signed with ${alg} is accepted`, async () => {
    await using running = await startServer({ issuer: await createIssuer(alg) });
    await assertAccepted(running, await running.issuer.token("alice"));
  });

  Deno.test(`a token signed with ${alg} and somebody else's key is invalid`, async () => {
    await using running = await startServer({ issuer: await createIssuer(alg) });
    const stranger = await createIssuer(alg, running.issuer.kid);
    await assertRefused(running, await stranger.token("mallory"));
  });
}

for (const kid of [undefined, "a-legacy-key"]) {
  Deno.test(`an HS256 token ${kid ? "with" : "without"} a kid is accepted with AUTH_JWT_SECRET`, async () => {
    await using running = await startServer({ env: { AUTH_JWT_SECRET: SECRET } });
    await assertAccepted(running, await signWithSecret(SECRET, { kid }));
  });
}

for (const kid of [undefined, "shared"]) {
  Deno.test(`an HS256 token ${kid ? "with" : "without"} a kid is accepted with an oct key in the set`, async () => {
    await using running = await startServer({ env: withSecret(SECRET) });
    await assertAccepted(running, await signWithSecret(SECRET, { kid }));
  });
}

Deno.test("an HS256 token is accepted with AUTH_JWT_SECRET when the oct key in the set has another kid", async () => {
  await using running = await startServer({ env: { ...withSecret(OTHER_SECRET), AUTH_JWT_SECRET: SECRET } });
  await assertAccepted(running, await signWithSecret(SECRET, { kid: "a-legacy-key" }));
});

Deno.test("an ES256 token is accepted where a shared secret is trusted too", async () => {
  await using running = await startServer({ env: { AUTH_JWT_SECRET: SECRET } });
  await assertAccepted(running, await running.issuer.token("alice"));
});

const NOT_TRUSTED: Record<string, Record<string, string>> = {
  "without any secret": {},
  "with another secret": { AUTH_JWT_SECRET: OTHER_SECRET },
  "with another oct key": withSecret(OTHER_SECRET),
  "with an oct key of another kid": withSecret(SECRET, "another-kid"),
};
for (const [how, env] of Object.entries(NOT_TRUSTED)) {
  Deno.test(`an HS256 token is invalid ${how}`, async () => {
    await using running = await startServer({ env });
    await assertRefused(running, await signWithSecret(SECRET, { kid: "shared" }));
  });
}

for (const alg of ["HS384", "HS512"]) {
  Deno.test(`a token signed with ${alg} is invalid even with the right secret`, async () => {
    const secret = SECRET.repeat(2);
    const token = await new SignJWT(defaultClaims("alice"))
      .setProtectedHeader({ alg, typ: "JWT" }).sign(new TextEncoder().encode(secret));
    await using running = await startServer({ env: { AUTH_JWT_SECRET: secret } });
    await assertRefused(running, token);
  });
}
