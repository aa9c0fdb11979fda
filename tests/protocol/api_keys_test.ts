/** API keys of Supabase as credentials (`deps.keys`): forms, users, and what is refused. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { exportSPKI, type JWTPayload, SignJWT } from "jose";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import type { User } from "../../packages/server/src/auth/user.ts";
import { encodePart, partsOf, signAnything, signWithSecret, unsigned } from "../support/forged_tokens.ts";
import { answerKeys, answerUser, remotePolicy, startProjectStub } from "../support/project_stub.ts";
import { type RunningServer, type StartOptions, startServer } from "../support/running_server.ts";
import { assertNoFragment } from "../support/token_checks.ts";

const SECRET = "a legacy secret of at least 32 characters";
const OTHER_SECRET = "the secret of another project, as long as that";
const PUBLISHABLE = "sb_publishable_of_the_api_keys_test";
const SECOND = "sb_publishable_that_is_the_second_one";
const SECRET_KEY = "sb_secret_of_the_api_keys_test";
const YEAR_2100 = 4_102_444_800;
const LATEST_EXPIRY = 253_402_300_799;
const KEY_ID = /^anon:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** Signs a legacy key, which has neither `sub` nor `aud`. */
function legacyKey(role: string, secret = SECRET, claims: JWTPayload = {}): Promise<string> {
  return new SignJWT({ iss: "supabase", ref: "project", role, iat: 1_600_000_000, exp: YEAR_2100, ...claims })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(secret));
}

function start(env: StartOptions["env"] = {}): Promise<RunningServer> {
  return startServer({
    env: {
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: PUBLISHABLE, second: SECOND }),
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
      AUTH_JWT_SECRET: SECRET,
      ...env,
    },
  });
}

async function accepted({ engine }: RunningServer, key: string): Promise<User> {
  const verification = await engine.deps.keys.verify(key);
  assert(verification.ok, JSON.stringify(verification));
  return verification.user;
}

/** Asserts a refusal whose detail matches and quotes nothing of the key. */
async function refused(
  { engine }: RunningServer,
  key: string,
  detail: RegExp,
  code = "invalid_token",
): Promise<void> {
  const verification = await engine.deps.keys.verify(key);
  assert(!verification.ok, "the key was accepted");
  assertEquals(verification.code, code, verification.detail);
  assertMatch(verification.detail, detail);
  assertNoFragment(key.replace(/^sb_(secret|publishable)_/, ""), JSON.stringify(verification));
}

Deno.test("2.17 each publishable key is a user of the role anon, that counts for ever", async () => {
  await using running = await start();
  for (const key of [PUBLISHABLE, SECOND]) {
    const user = await accepted(running, key);
    assertMatch(user.id, KEY_ID);
    assertEquals([user.role, user.expiresAt, user.claims, user.isAnonymous], [
      "anon",
      LATEST_EXPIRY,
      { role: "anon" },
      false,
    ]);
  }
});

Deno.test("2.16 an unknown publishable key is refused", async () => {
  await using running = await start();
  for (
    const key of [`${PUBLISHABLE}x`, PUBLISHABLE.slice(0, -1), PUBLISHABLE.toUpperCase(), "sb_publishable_"]
  ) {
    const isOfForm = key.startsWith("sb_publishable_");
    await refused(running, key, isOfForm ? /Compare it with SUPABASE_PUBLISHABLE_KEYS/ : /neither/);
  }
});

Deno.test("2.16 where no publishable key is configured, the refusal names the variable to set", async () => {
  for (const keys of [undefined, "{}", JSON.stringify({ default: "" })]) {
    await using running = await start({ SUPABASE_PUBLISHABLE_KEYS: keys });
    await refused(running, PUBLISHABLE, /Set SUPABASE_PUBLISHABLE_KEYS/);
  }
});

Deno.test("a secret key among the publishable ones stays secret", async () => {
  await using running = await start({ SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: SECRET_KEY }) });
  await refused(running, SECRET_KEY, /header `x-api-key` or as the bearer token/);
});

Deno.test("2.16 a publishable key in SUPABASE_ANON_KEY counts, as new projects have no other", async () => {
  await using running = await start({ SUPABASE_PUBLISHABLE_KEYS: undefined, SUPABASE_ANON_KEY: PUBLISHABLE });
  assertEquals((await accepted(running, PUBLISHABLE)).role, "anon");
});

Deno.test("2.16 the configured anon key counts, even if nobody here knows its secret", async () => {
  const key = await legacyKey("anon", OTHER_SECRET);
  for (const secret of [undefined, SECRET]) {
    await using running = await start({ SUPABASE_ANON_KEY: key, AUTH_JWT_SECRET: secret });
    const user = await accepted(running, key);
    assertMatch(user.id, KEY_ID);
    assertEquals([user.role, user.expiresAt, user.claims["ref"], user.claims.sub], [
      "anon",
      YEAR_2100,
      "project",
      undefined,
    ]);
  }
});

Deno.test("2.16 an anon key that is not the configured one counts by its signature only", async () => {
  await using running = await start({
    SUPABASE_ANON_KEY: await legacyKey("anon", OTHER_SECRET),
    AUTH_JWT_SECRET: undefined,
  });
  await refused(running, await legacyKey("anon", OTHER_SECRET, { ref: "other" }), /Set AUTH_JWT_SECRET/);
  // Its header and payload, with another project's signature.
  await refused(running, await legacyKey("anon", SECRET), /Set AUTH_JWT_SECRET/);
});

Deno.test("2.16 SUPABASE_ANON_KEY makes no other role public", async () => {
  for (const role of ["service_role", "authenticated"]) {
    const key = await legacyKey(role, OTHER_SECRET);
    await using running = await start({ SUPABASE_ANON_KEY: key, AUTH_JWT_SECRET: undefined });
    await refused(running, key, /Set AUTH_JWT_SECRET/);
  }
});

Deno.test("an expired anon key is refused, though it is the configured one", async () => {
  const key = await legacyKey("anon", OTHER_SECRET, { exp: 1_600_000_001 });
  await using running = await start({ SUPABASE_ANON_KEY: key });
  await refused(running, key, /expired/, "token_expired");
});

for (const role of ["anon", "authenticated", "service_role", "my-own_role"]) {
  Deno.test(`2.16 a key of the role ${role} with neither sub nor aud counts by its signature`, async () => {
    await using running = await start();
    const user = await accepted(running, await legacyKey(role));
    assertEquals([user.role, user.expiresAt, user.claims.sub], [role, YEAR_2100, undefined]);
    assert(user.id.startsWith(`${role}:`), user.id);
  });
}

Deno.test("a key counts by an inline key, and by one at the project's address", async () => {
  const issuer = await createIssuer();
  const claims = { sub: undefined, aud: undefined, role: "anon" };
  const key = await issuer.token("nobody", { claims });
  await using inline = await start({ SUPABASE_JWKS: JSON.stringify(issuer.jwks) });
  assertMatch((await accepted(inline, key)).id, KEY_ID);
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
  for (const policy of ["local", "remote"]) {
    await using fetched = await start({
      SUPABASE_URL: project.url,
      SUPABASE_JWKS: undefined,
      AUTH_POLICY: policy,
    });
    assertMatch((await accepted(fetched, key)).id, KEY_ID);
  }
});

Deno.test("while the key set cannot be fetched, a key is not judged", async () => {
  const key = await (await createIssuer()).token("nobody", { claims: { sub: undefined, aud: undefined } });
  await using project = startProjectStub();
  await using running = await start({ SUPABASE_URL: project.url, SUPABASE_JWKS: undefined });
  await refused(running, key, /Retry later/, "auth_unavailable");
});

Deno.test("2.17 every verification of a key without sub is another user", async () => {
  const anonKey = await legacyKey("anon", OTHER_SECRET);
  await using running = await start({ SUPABASE_ANON_KEY: anonKey });
  for (const key of [PUBLISHABLE, anonKey, await legacyKey("anon")]) {
    const users = await Promise.all(Array.from({ length: 20 }, () => accepted(running, key)));
    assertEquals(new Set(users.map(({ id }) => id)).size, 20);
  }
});

Deno.test("2.16 a token of a user counts as for other endpoints, with the same user, verified once", async () => {
  await using running = await start();
  const token = await running.issuer.token("alice");
  const user = await accepted(running, token);
  assertEquals(user.id, "alice");
  const again = await running.engine.deps.verifier.verify(token);
  assert(again.ok && again.user === user);
  const withoutRole = await running.issuer.token("bob", { claims: { role: undefined } });
  assertEquals((await accepted(running, withoutRole)).role, "anon");
});

Deno.test("2.16 a token with sub and role, but without aud, is that user's", async () => {
  await using running = await start();
  const token = await running.issuer.token("alice", { claims: { aud: undefined } });
  const [first, second] = [await accepted(running, token), await accepted(running, token)];
  assertEquals([first.id, first.role], ["alice", "authenticated"]);
  assert(first === second);
  assertEquals((await running.engine.deps.verifier.verify(token)).ok, false);
});

/** Claims that a good signature does not help. */
const BAD_CLAIMS: Record<string, [claims: Record<string, unknown>, detail: RegExp, code?: string]> = {
  "an expired key": [{ exp: 1_600_000_001 }, /expired/, "token_expired"],
  "a key without exp": [{ exp: undefined }, /`exp`/],
  "a key whose exp is text": [{ exp: "9999999999" }, /`exp`/],
  "a key that is not valid yet": [{ nbf: YEAR_2100 - 1 }, /`nbf`/],
  "a key without role": [{ role: undefined }, /`role`/],
  "a key with an empty role": [{ role: "" }, /`role`/],
  "a key whose role is a list": [{ role: ["anon"] }, /`role`/],
  "a key whose role is null": [{ role: null }, /`role`/],
  "a key whose role has a colon": [{ role: "anon:a" }, /`role`/],
  "a key whose role has a line end": [{ role: "anon\n" }, /`role`/],
  "a key whose role is too long": [{ role: "r".repeat(64) }, /`role`/],
  "a key for another audience": [{ aud: "somebody-else" }, /`aud`/],
  "a key whose sub is empty": [{ sub: "" }, /`sub`/],
  "a key whose sub is null": [{ sub: null }, /`sub`/],
  "a key whose sub is a sender of the project": [{ sub: "service_role" }, /`sub`/],
};
for (const [name, [claims, detail, code]] of Object.entries(BAD_CLAIMS)) {
  Deno.test(`2.16 ${name} is refused`, async () => {
    await using running = await start();
    const payload = JSON.parse(JSON.stringify({ role: "anon", exp: YEAR_2100, ...claims }));
    await refused(running, await signAnything(running.issuer, payload), detail, code);
  });
}

Deno.test("2.17 no token may have the id of an API key's user as its sub", async () => {
  await using running = await start();
  for (const key of [PUBLISHABLE, await legacyKey("my-own_role")]) {
    const { id } = await accepted(running, key);
    for (const sub of [id, id.toUpperCase()]) {
      const withAud = await running.issuer.token(sub);
      await refused(running, withAud, /API key's user/);
      assertEquals((await running.engine.deps.verifier.verify(withAud)).ok, false);
      const withoutAud = await running.issuer.token(sub, { claims: { aud: undefined } });
      await refused(running, withoutAud, /API key's user/);
    }
  }
  // Ids of other issuers stay as they are.
  for (
    const sub of ["anon:alice", `user:${crypto.randomUUID()}`, crypto.randomUUID(), "auth0|5f7c"]
  ) {
    assertEquals((await accepted(running, await running.issuer.token(sub))).id, sub);
  }
});

Deno.test("2.16 AUTH_ISSUER is for tokens with sub: legacy keys have another one", async () => {
  const url = "https://project.supabase.co/auth/v1";
  await using running = await start({ AUTH_ISSUER: url });
  assertEquals((await accepted(running, await legacyKey("anon"))).role, "anon");
  const own = { aud: undefined, iss: url };
  assertEquals((await accepted(running, await running.issuer.token("alice", { claims: own }))).id, "alice");
  for (const iss of [undefined, "https://elsewhere.example"]) {
    await refused(running, await running.issuer.token("alice", { claims: { aud: undefined, iss } }), /`iss`/);
  }
});

Deno.test("2.18 remote policy: a token with sub counts by Auth's answer only, with or without aud", async () => {
  const issuer = await createIssuer();
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks), user: answerUser("alice") });
  await using running = await start({ ...remotePolicy(project.url), AUTH_JWT_SECRET: SECRET });
  assertEquals((await accepted(running, await issuer.token("alice"))).id, "alice");
  assertEquals(project.asked.user, 1);
  await refused(running, await issuer.token("alice", { claims: { aud: undefined } }), /`aud`/);
  await refused(running, await legacyKey("authenticated", SECRET, { sub: "alice" }), /`aud`/);
  assertEquals((await accepted(running, await legacyKey("service_role"))).role, "service_role");
  assertEquals(project.asked, { user: 1, keys: 0 });
});

Deno.test("2.16 a secret key is refused with the header to send it in", async () => {
  const serviceRole = await legacyKey("service_role", OTHER_SECRET);
  await using running = await start({ SUPABASE_SERVICE_ROLE_KEY: serviceRole, AUTH_JWT_SECRET: undefined });
  for (const key of [SECRET_KEY, "sb_secret_of_somebody_else", serviceRole]) {
    await refused(running, key, /header `x-api-key` or as the bearer token/);
  }
  assert(running.engine.deps.isSecretKey(serviceRole));
});

Deno.test("2.16 keys that nobody of the project signed are refused", async () => {
  await using running = await start();
  const { issuer } = running;
  const key = await legacyKey("anon");
  const [header, payload, signature] = partsOf(key);
  const [otherHeader, otherPayload, otherSignature] = partsOf(await legacyKey("service_role"));
  const claims = { role: "service_role", exp: YEAR_2100 };
  const keyPem = new TextEncoder().encode(await exportSPKI(issuer.publicKey));
  const stranger = await createIssuer("ES256", issuer.kid);
  const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: issuer.kid }).sign(
    keyPem,
  );
  const forgeries: [name: string, key: string][] = [
    ["alg none", `${encodePart({ alg: "none" })}.${encodePart(claims)}.`],
    ["alg None", `${encodePart({ alg: "None" })}.${encodePart(claims)}.${signature}`],
    ["alg none for a user", unsigned({ alg: "none" })],
    ["no signature", `${header}.${payload}.`],
    ["two parts", `${header}.${payload}`],
    ["another key's payload", `${header}.${otherPayload}.${signature}`],
    ["another key's signature", `${otherHeader}.${payload}.${otherSignature}`],
    ["another project's secret", await legacyKey("anon", OTHER_SECRET)],
    ["a stranger's key with our kid", await signAnything(stranger, claims)],
    ["the public key as a secret", confused],
    ["an empty secret", await signWithSecret(new Uint8Array(32))],
    [
      "HS512",
      await new SignJWT(claims).setProtectedHeader({ alg: "HS512" }).sign(
        new TextEncoder().encode(SECRET.repeat(2)),
      ),
    ],
    ["a list as its payload", await signAnything(issuer, [claims])],
    ["text as its payload", await signAnything(issuer, "anon")],
  ];
  for (const [name, forged] of forgeries) {
    const verification = await running.engine.deps.keys.verify(forged);
    assertEquals(!verification.ok && verification.code, "invalid_token", name);
    assertNoFragment(forged, JSON.stringify(verification));
  }
});

Deno.test("2.16 text that is no key is refused, however long it is", async () => {
  const anonKey = await legacyKey("anon", OTHER_SECRET);
  await using running = await start({ SUPABASE_ANON_KEY: anonKey });
  for (
    const text of ["", " ", ".", "..", "anon", "null", "eyJ.eyJ.eyJ", "\0", "ü".repeat(100), `${anonKey} `]
  ) {
    const verification = await running.engine.deps.keys.verify(text);
    assertEquals(!verification.ok && verification.code, "invalid_token", JSON.stringify(text));
  }
  const [header, , signature] = partsOf(anonKey);
  const long = "a".repeat(1_000_000);
  const longTexts = [
    long,
    `sb_publishable_${long}`,
    `sb_secret_${long}`,
    anonKey + long,
    `${header}.${encodePart({ role: "anon", exp: YEAR_2100, long })}.${signature}`,
    await legacyKey("anon", SECRET, { long: long.slice(0, 17_000) }),
  ];
  for (const text of longTexts) await refused(running, text.slice(0, 40_000), /longer than 16384 characters/);
});

Deno.test("a verified key is cached, though each verification is another user", async () => {
  await using running = await start();
  const key = await legacyKey("anon");
  const [first, second] = [await accepted(running, key), await accepted(running, key)];
  assert(first.claims === second.claims);
  assertNotEquals(first.id, second.id);
});
