/**
 * Supabase Auth deciding about a token; what stands in for Auth, and where that is from, is in
 * project_stub.ts.
 */
import { assertEquals } from "@std/assert";
import { exportSPKI } from "jose";
import { signWithSecret, unsigned } from "../support/forged_tokens.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import {
  type Answer,
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

Deno.test("remote policy: Auth is asked with the token and the publishable key, and says who it is", async () => {
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
  assertEquals(user["email"], "alice@auth.example.com");
  assertEquals(user["app_metadata"], { provider: "email", from: "auth" });
  assertEquals(user["session_id"], "session-of-alice");
  assertEquals(question["apikey"], PUBLISHABLE_KEY);
  assertEquals(question["authorization"], `Bearer ${token}`);
  assertEquals(project.asked, { keys: 0, user: 1 });
});

Deno.test("remote policy: who Auth says it is counts, not what the token says", async () => {
  await using project = startProjectStub({ user: answerUser("the-user-of-auth") });
  await using running = await startServer({ env: remotePolicy(project.url) });
  await assertAccepted(running, await running.issuer.token("alice"), "the-user-of-auth");
});

const ABOUT_THE_TOKEN: readonly (readonly [status: number, code: string])[] = [
  [401, "no_authorization"],
  [403, "bad_jwt"],
  [403, "session_not_found"],
  [403, "user_not_found"],
  [403, "user_banned"],
  [404, "user_not_found"],
];
for (const [status, code] of ABOUT_THE_TOKEN) {
  Deno.test(`remote policy: where Auth answers ${status} ${code} the token is invalid`, async () => {
    await using project = startProjectStub({ user: answerAuthError(status, code) });
    await using running = await startServer({ env: remotePolicy(project.url) });
    await assertRefused(running, await running.issuer.token("alice"));
  });
}

const ABOUT_ITSELF: Record<string, Answer> = {
  "500": answerAuthError(500, "unexpected_failure"),
  "502 with HTML": () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
  "503": answerAuthError(503, "overloaded"),
  "504": answerAuthError(504, "request_timeout"),
  "429": answerAuthError(429, "over_request_rate_limit"),
  "429 with text": () => new Response("slow down", { status: 429 }),
  "522 as a proxy does": () => new Response("", { status: 522 }),
  "404 with HTML": () => new Response("<h1>Not found</h1>", { status: 404 }),
  "403 with HTML": () => new Response("<h1>Are you a robot?</h1>", { status: 403 }),
  "200 with HTML": () => new Response("<h1>Welcome</h1>"),
  "200 with nothing": () => new Response(""),
  "200 with null": () => Response.json(null),
  "200 with no user": () => Response.json({}),
  "200 with a list": () => Response.json([]),
  // Supabase's gateway answers this in front of Auth: it does not know our key; the token may be
  // good.
  "401 from the gateway": () =>
    Response.json({ message: "Invalid API key", hint: "Double check your API key." }, { status: 401 }),
};
for (const [what, answer] of Object.entries(ABOUT_ITSELF)) {
  Deno.test(`remote policy: where Auth answers ${what} nothing is known about the token`, async () => {
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

Deno.test("remote policy: a refusal is not remembered", async () => {
  await using project = startProjectStub({ user: answerAuthError(403, "session_not_found") });
  await using running = await startServer({ env: remotePolicy(project.url) });
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
