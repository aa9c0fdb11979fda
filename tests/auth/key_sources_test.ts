/** Keys that are given inline, keys at the project's address, and secrets: which of them counts. */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { base64url, type JWK } from "jose";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { AuthStub } from "../support/auth_stub.ts";
import { signWithSecret } from "../support/forged_tokens.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import {
  type Answer,
  answerAuthError,
  answerKeys,
  answerUser,
  askableAuth,
  type ProjectStub,
  remotePolicy,
  startProjectStub,
  unusedAddress,
} from "../support/project_stub.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { assertAccepted } from "../support/token_checks.ts";

const SECRET = "a legacy secret that only Auth has, not this function";

async function whoami({ port }: RunningServer, token: string): Promise<RawResponse> {
  return await rawGet(port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
}

/** State of each dependency. */
async function readiness({ port }: RunningServer): Promise<Record<string, unknown>> {
  const { status, body } = await rawGet(port, "/realtime/health/ready");
  const states: { name: string; state: string }[] = JSON.parse(body).dependencies;
  return { status, ...Object.fromEntries(states.map(({ name, state }) => [name, state])) };
}

/** Serves with two issuers: the inline set has the old one's key, the address both keys. */
async function startStale(
  env: (project: ProjectStub) => Record<string, string | undefined>,
  user: Answer,
): Promise<{ running: RunningServer; project: ProjectStub; fresh: Issuer } & AsyncDisposable> {
  const [old, fresh] = [await createIssuer(), await createIssuer()];
  const project = startProjectStub({
    keys: answerKeys({ keys: [...old.jwks.keys, ...fresh.jwks.keys] }),
    user,
  });
  const running = await startServer({ issuer: old, env: env(project) });
  return {
    running,
    project,
    fresh,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await project[Symbol.asyncDispose]();
    },
  };
}

for (const form of ["an object", "an array"]) {
  Deno.test(`SUPABASE_JWKS as ${form} verifies tokens without the network`, async () => {
    const issuer = await createIssuer();
    const value = form === "an array" ? issuer.jwks.keys : issuer.jwks;
    await using running = await startServer({ issuer, env: { SUPABASE_JWKS: JSON.stringify(value) } });
    await assertAccepted(running, await issuer.token("alice"));
    await assertAccepted(running, await issuer.token("bob"), "bob");
  });
}

for (const empty of ['{"keys":[]}', "[]"]) {
  Deno.test(`SUPABASE_JWKS=${empty} counts as not set: the project's address has the keys`, async () => {
    const issuer = await createIssuer();
    await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
    await using running = await startServer({
      issuer,
      env: { SUPABASE_JWKS: empty, SUPABASE_URL: project.url },
    });
    assertEquals(await readiness(running), { status: 200, auth_keys: "ok", backplane: "ok" });
    await assertAccepted(running, await issuer.token("alice"));
    assertEquals(project.asked, { keys: 1, user: 0 });
  });
}

const WITH_AND_WITHOUT_AUTH: Readonly<Record<string, (project: ProjectStub) => Record<string, string>>> = {
  "without an API key": ({ url }) => ({ SUPABASE_URL: url }),
  "with an API key, and an Auth that does not know the new key yet": ({ url }) => askableAuth(url),
};
for (const [how, env] of Object.entries(WITH_AND_WITHOUT_AUTH)) {
  Deno.test(`a key that the inline set lacks is found at the project's address, ${how}`, async () => {
    await using stale = await startStale(env, answerAuthError(403, "bad_jwt"));
    const { running, project, fresh } = stale;
    await assertAccepted(running, await running.issuer.token("alice"));
    assertEquals(project.asked.keys, 0);
    await assertAccepted(running, await fresh.token("bob"), "bob");
    await assertAccepted(running, await fresh.token("carol"), "carol");
    const stranger = await whoami(running, await (await createIssuer()).token("eve"));
    assertProblem(stranger, TOKEN_PROBLEMS.auth_unavailable);
    assertEquals(project.asked, { keys: 1, user: 0 });
  });
}

Deno.test("Auth decides about public keys only while no key set could be fetched", async () => {
  const auth = await AuthStub.create();
  await using project = startProjectStub({ user: auth.user });
  await using running = await startServer({
    issuer: auth.issuer,
    env: { ...askableAuth(project.url), SUPABASE_JWKS: undefined, JWKS_COOLDOWN_SECONDS: "1" },
  });
  await assertAccepted(running, await auth.signIn("alice"));
  assertEquals(project.asked.user, 1);
  project.keys = auth.keys;
  // The next fetch comes a second after the one that failed.
  await eventually(async () => {
    await whoami(running, await auth.signIn("bob"));
    return project.asked.keys;
  }, (fetches) => fetches > 1);
  const stranger = await createIssuer();
  const { user } = project.asked;
  for (let count = 0; count < 20; count++) await whoami(running, await stranger.token(`mallory-${count}`));
  assertEquals(project.asked.user, user);
});

Deno.test("a secret that the project publishes does not sign for it", async () => {
  const issuer = await createIssuer();
  const oct: JWK = { kty: "oct", kid: "shared", alg: "HS256", k: base64url.encode(SECRET) };
  await using project = startProjectStub({ keys: answerKeys({ keys: [...issuer.jwks.keys, oct] }) });
  await using running = await startServer({
    issuer,
    env: { SUPABASE_JWKS: undefined, SUPABASE_URL: project.url },
  });
  await assertAccepted(running, await issuer.token("alice"));
  for (const kid of [undefined, "shared"]) {
    assertProblem(
      await whoami(running, await signWithSecret(SECRET, { kid }, "eve")),
      TOKEN_PROBLEMS.invalid_token,
    );
  }
});

Deno.test("a wrong AUTH_JWT_SECRET is named by the refusal, and so is a missing one", async () => {
  for (const secret of ["another secret that is at least as long", undefined]) {
    await using running = await startServer({ env: { AUTH_JWT_SECRET: secret } });
    const { status, body } = await whoami(running, await signWithSecret(SECRET));
    assertEquals([status, JSON.parse(body).detail.includes("AUTH_JWT_SECRET")], [401, true]);
  }
});

const NO_KEY_SET: Readonly<Record<string, Answer>> = {
  "404, as an older Auth": () =>
    Response.json({ message: "no Route matched with those values" }, { status: 404 }),
  "401, as a gateway without that route": () => Response.json({ message: "Unauthorized" }, { status: 401 }),
  "an empty set": answerKeys({ keys: [] }),
};
for (const [what, keys] of Object.entries(NO_KEY_SET)) {
  Deno.test(`an HS256 project whose key set's address answers ${what}: Auth verifies tokens, and the server is ready`, async () => {
    await using project = startProjectStub({ keys, user: answerUser("alice") });
    await using running = await startServer({
      env: { ...askableAuth(project.url), SUPABASE_JWKS: undefined },
    });
    assertEquals(await readiness(running), { status: 200, auth_keys: "ok", backplane: "ok" });
    const { keys: fetches } = project.asked;
    await assertAccepted(running, await signWithSecret(SECRET));
    assertEquals(project.asked, { keys: fetches, user: 1 });
  });

  Deno.test(`an HS256 project with its secret, whose key set's address answers ${what}, is ready`, async () => {
    await using project = startProjectStub({ keys });
    await using running = await startServer({
      env: { SUPABASE_URL: project.url, SUPABASE_JWKS: undefined, AUTH_JWT_SECRET: SECRET },
    });
    assertEquals(await readiness(running), { status: 200, auth_keys: "ok", backplane: "ok" });
    await assertAccepted(running, await signWithSecret(SECRET));
    assertEquals(project.asked, { keys: 0, user: 0 });
  });
}

Deno.test("with neither a key set nor Auth the server is not ready", async () => {
  await using project = startProjectStub();
  project.health = () => new Response("down", { status: 503 });
  await using running = await startServer({ env: { ...askableAuth(project.url), SUPABASE_JWKS: undefined } });
  assertEquals(await readiness(running), { status: 503, auth_keys: "failing", backplane: "ok" });
});

Deno.test("remote policy: the server is ready while Auth is healthy, and asks it no oftener than every two seconds", async () => {
  await using project = startProjectStub();
  await using running = await startServer({ env: remotePolicy(project.url) });
  const startedAt = performance.now();
  const states = await Promise.all(Array.from({ length: 20 }, () => readiness(running)));
  assertEquals(states, Array(20).fill({ status: 200, auth: "ok", backplane: "ok" }));
  assertLessOrEqual(project.healthChecks, 1 + (performance.now() - startedAt) / 2_000);
  assertEquals(project.asked, { keys: 0, user: 0 });
});

Deno.test("remote policy: the server is not ready while Auth is away, unwell, or hangs", async () => {
  await using project = startProjectStub();
  const unwell: Record<string, string | undefined>[] = [
    remotePolicy(unusedAddress()),
    remotePolicy(project.url),
    {
      ...remotePolicy(project.url),
      AUTH_TIMEOUT_MS: "100",
    },
  ];
  const answers: Answer[] = [project.health, () => new Response("", { status: 502 }), () => project.tooLate];
  for (const [index, env] of unwell.entries()) {
    project.health = answers[index] ?? project.health;
    await using running = await startServer({ env });
    assertEquals(await readiness(running), { status: 503, auth: "failing", backplane: "ok" });
  }
});
