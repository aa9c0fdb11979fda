/**
 * Supabase Auth deciding about a token; what stands in for Auth, and where that is from, is in
 * project_stub.ts.
 */
import { assertEquals } from "@std/assert";
import { exportSPKI } from "jose";
import { signWithSecret, unsigned } from "../support/forged_tokens.ts";
import { OTHER_REFUSALS, REFUSALS_OF_TOKEN } from "../support/auth_refusals.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import {
  answerAuthError,
  answerUser,
  askableAuth,
  PUBLISHABLE_KEY,
  remotePolicy,
  startProjectStub,
  unusedAddress,
} from "../support/project_stub.ts";
import { HANDSHAKE, rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { assertAccepted, assertRefused } from "../support/token_checks.ts";

const LEGACY_SECRET = "a legacy secret that only Auth has, not this function";

async function whoami({ port }: RunningServer, token: string): Promise<RawResponse> {
  return await rawGet(port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
}

Deno.test("remote policy: Auth is asked with the token and the publishable key, and decides", async () => {
  let question: Record<string, string> = {};
  await using project = startProjectStub({
    user(request) {
      question = Object.fromEntries(request.headers);
      return answerUser("alice")(request);
    },
  });
  await using running = await startServer({ env: remotePolicy(project.url) });
  const token = await running.issuer.token("alice");
  const { status, body } = await whoami(running, token);
  assertEquals(status, 200, body);
  const user: Record<string, unknown> = JSON.parse(body);
  assertEquals(user["id"], "alice");
  assertEquals(user["email"], "alice@example.com");
  assertEquals(user["app_metadata"], { provider: "email" });
  assertEquals(user["session_id"], "session-of-alice");
  assertEquals(question["apikey"], PUBLISHABLE_KEY);
  // The signature may have another of its spellings.
  const asked = (question["authorization"] ?? "").split(".").slice(0, 2);
  assertEquals(asked, `Bearer ${token}`.split(".").slice(0, 2));
  assertEquals(project.asked, { keys: 0, user: 1 });
});

Deno.test("remote policy: an answer about another user than the token's is no answer", async () => {
  await using project = startProjectStub({ user: answerUser("mallory") });
  await using running = await startServer({ env: remotePolicy(project.url) });
  await assertRefused(running, await running.issuer.token("alice"), "auth_unavailable");
});

for (const [refusal, answer] of Object.entries(REFUSALS_OF_TOKEN)) {
  Deno.test(`remote policy: where Auth answers ${refusal} the token is invalid`, async () => {
    await using project = startProjectStub({ user: answer });
    await using running = await startServer({ env: remotePolicy(project.url) });
    await assertRefused(running, await running.issuer.token("alice"));
  });
}

for (const [refusal, answer] of Object.entries(OTHER_REFUSALS)) {
  Deno.test(`remote policy: where Auth or its gateway answers ${refusal} nothing is known about the token`, async () => {
    await using project = startProjectStub({ user: answer });
    await using running = await startServer({ env: remotePolicy(project.url) });
    await assertRefused(running, await running.issuer.token("alice"), "auth_unavailable");
  });
}

Deno.test("remote policy: where nobody answers nothing is known about the token", async () => {
  await using running = await startServer({ env: remotePolicy(unusedAddress()) });
  await assertRefused(running, await running.issuer.token("alice"), "auth_unavailable");
});

Deno.test("remote policy: where Auth does not answer in time nothing is known about the token", async () => {
  await using project = startProjectStub({ user: () => project.tooLate });
  await using running = await startServer({ env: { ...remotePolicy(project.url), AUTH_TIMEOUT_MS: "100" } });
  await assertRefused(running, await running.issuer.token("alice"), "auth_unavailable");
});

Deno.test("remote policy: Auth is asked again after it has failed, and works when it is back", async () => {
  await using project = startProjectStub({ user: answerAuthError(500, "unexpected_failure") });
  await using running = await startServer({ env: remotePolicy(project.url) });
  const token = await running.issuer.token("alice");
  assertProblem(await whoami(running, token), TOKEN_PROBLEMS.auth_unavailable);
  project.user = answerUser("alice");
  assertEquals((await whoami(running, token)).status, 200);
  assertEquals(project.asked.user, 2);
});

Deno.test("remote policy: with AUTH_REFUSAL_SECONDS=0 a refusal is not remembered", async () => {
  await using project = startProjectStub({ user: answerAuthError(403, "session_not_found") });
  await using running = await startServer({
    env: { ...remotePolicy(project.url), AUTH_REFUSAL_SECONDS: "0" },
  });
  const token = await running.issuer.token("alice");
  await assertRefused(running, token);
  project.user = answerUser("alice");
  await assertAccepted(running, token);
});

Deno.test("remote policy: Auth is not asked about what the token itself says against it", async () => {
  await using project = startProjectStub({ user: answerUser("alice") });
  await using running = await startServer({ env: remotePolicy(project.url) });
  const { issuer } = running;
  const past = Math.floor(Date.now() / 1000) - 60;
  const expired = await whoami(running, await issuer.token("alice", { claims: { exp: past } }));
  assertProblem(expired, TOKEN_PROBLEMS.token_expired);
  for (const claims of [{ aud: "somebody-else" }, { exp: undefined }, { nbf: past + 3600 }]) {
    const refused = await whoami(running, await issuer.token("alice", { claims }));
    assertProblem(refused, TOKEN_PROBLEMS.invalid_token);
  }
  assertProblem(await whoami(running, "no-token-at-all"), TOKEN_PROBLEMS.invalid_token);
  assertEquals(project.asked.user, 0);
});

Deno.test("remote policy: one token on many connections at the same moment asks Auth once, and later ones not at all", async () => {
  await using project = startProjectStub({ user: answerUser("alice") });
  await using running = await startServer({ env: remotePolicy(project.url) });
  const token = await running.issuer.token("alice");
  const connecting = Array.from(
    { length: 10 },
    () => rawGet(running.port, `/realtime/echo?token=${token}`, HANDSHAKE),
  );
  const statuses = (await Promise.all(connecting)).map(({ status }) => status);
  assertEquals(statuses, statuses.map(() => 101));
  await assertAccepted(running, token);
  assertEquals(project.asked.user, 1);
});

Deno.test("local policy: a token that no local key is for is decided by Auth", async () => {
  await using project = startProjectStub({ user: answerUser("alice") });
  await using running = await startServer({ env: askableAuth(project.url) });
  const legacy = await signWithSecret(LEGACY_SECRET);
  await assertAccepted(running, legacy);
  assertEquals(project.asked, { keys: 0, user: 1 });
  project.user = answerAuthError(403, "bad_jwt");
  assertProblem(
    await whoami(running, await signWithSecret(LEGACY_SECRET, {}, "bob")),
    TOKEN_PROBLEMS.invalid_token,
  );
  project.user = answerAuthError(500, "unexpected_failure");
  assertProblem(
    await whoami(running, await signWithSecret(LEGACY_SECRET, {}, "carol")),
    TOKEN_PROBLEMS.auth_unavailable,
  );
});

Deno.test("local policy: Auth is not asked about a token that a local key decides, for or against", async () => {
  await using project = startProjectStub({ user: answerUser("mallory") });
  await using running = await startServer({ env: askableAuth(project.url) });
  const { issuer } = running;
  await assertAccepted(running, await issuer.token("alice"));
  const forged = await createIssuer("ES256", issuer.kid);
  const confused = await signWithSecret(await exportSPKI(issuer.publicKey), { kid: issuer.kid }, "mallory");
  for (const token of [await forged.token("mallory"), confused, unsigned({ alg: "none" })]) {
    assertProblem(await whoami(running, token), TOKEN_PROBLEMS.invalid_token);
  }
  assertEquals(project.asked.user, 0);
});
