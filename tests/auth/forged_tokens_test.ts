/** Tokens that anybody can invent, against a real server: what they cost Auth. */
import { assert, assertEquals } from "@std/assert";
import { rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { AuthStub } from "../support/auth_stub.ts";
import { encodePart, signWithSecret } from "../support/forged_tokens.ts";
import { defaultClaims } from "../../packages/cli/dev/issuer.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { answerKeys, askableAuth, remotePolicy, startProjectStub } from "../support/project_stub.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const FORGED = 500;
/** Every refusal counts, so that the limit of refused requests does not hide its reason. */
const ANY_REFUSALS = { REFUSED_REQUESTS_PER_SECOND: "1000000" };

/** A token with right claims and 32 bytes of nonsense as its signature. */
function forged(header: object, user: string): string {
  return `${encodePart(header)}.${encodePart(defaultClaims(user))}.${"x".repeat(43)}`;
}

function whoami({ port }: RunningServer, token: string): Promise<RawResponse> {
  return rawGet(port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
}

Deno.test("forged tokens with an unknown kid of a public key never reach Auth, where keys are inline or fetched", async () => {
  const auth = await AuthStub.create();
  await using project = startProjectStub({ user: auth.user, keys: answerKeys(auth.issuer.jwks) });
  for (const keys of [JSON.stringify(auth.issuer.jwks), undefined]) {
    await using running = await startServer({
      issuer: auth.issuer,
      env: { ...askableAuth(project.url), ...ANY_REFUSALS, SUPABASE_JWKS: keys },
    });
    const tokens = Array.from(
      { length: FORGED },
      (_, index) => forged({ alg: "ES256", kid: `k${index}` }, "eve"),
    );
    const statuses = new Set(
      (await Promise.all(tokens.map((token) => whoami(running, token)))).map(({ status }) => status),
    );
    assert(!statuses.has(200), String([...statuses]));
    assertEquals((await whoami(running, await auth.issuer.token("alice"))).status, 200);
    assertEquals(running.logs.filter(({ event }) => event === "auth.unavailable"), []);
  }
  assertEquals(project.asked, { keys: 2, user: 0 });
});

Deno.test("of 500 forged HS256 tokens at once four are under way, forty wait, the rest is told to come back, and users get in", async () => {
  const auth = await AuthStub.create();
  const release = Promise.withResolvers<void>();
  let underWay = 0;
  let most = 0;
  await using project = startProjectStub({
    async user(request) {
      most = Math.max(most, ++underWay);
      await release.promise;
      underWay--;
      return await auth.user(request);
    },
  });
  await using running = await startServer({
    issuer: auth.issuer,
    env: { ...askableAuth(project.url), ...ANY_REFUSALS, AUTH_REQUESTS: "4" },
  });
  let refused = 0;
  const flood = Array.from({ length: FORGED }, async (_, index) => {
    const response = await whoami(running, forged({ alg: "HS256" }, `eve-${index}`));
    if (response.status === 503) {
      assertProblem(response, TOKEN_PROBLEMS.auth_unavailable);
      refused++;
    } else assertProblem(response, TOKEN_PROBLEMS.invalid_token);
  });
  assertEquals((await whoami(running, await auth.issuer.token("alice"))).status, 200);
  await eventually(() => Promise.resolve(refused), (count) => count === FORGED - 44);
  release.resolve();
  await Promise.all(flood);
  assertEquals([most, project.asked.user, refused], [4, 44, FORGED - 44]);
  assertEquals(running.logs.filter(({ event }) => event === "auth.unavailable"), []);
});

Deno.test("a forged token that comes again and again is asked about once", async () => {
  const auth = await AuthStub.create();
  await using project = startProjectStub({ user: auth.user });
  await using running = await startServer({
    env: { ...askableAuth(project.url), ...ANY_REFUSALS, AUTH_REFUSAL_SECONDS: "60" },
  });
  const token = await signWithSecret("a secret that nobody else knows, forty chars", {}, "eve");
  for (let count = 0; count < 100; count++) {
    assertProblem(await whoami(running, token), TOKEN_PROBLEMS.invalid_token);
  }
  assertEquals(project.asked.user, 1);
});

for (const policy of ["local", "remote"]) {
  Deno.test(`${policy} policy: an Auth that answers 429 has a pause, which callers and one line of the log learn of`, async () => {
    const auth = await AuthStub.create();
    await using project = startProjectStub({
      async user(request) {
        const response = await auth.user(request);
        if (response.status === 429) response.headers.set("retry-after", "60");
        return response;
      },
    });
    const env = policy === "remote" ? remotePolicy(project.url) : askableAuth(project.url);
    await using running = await startServer({ issuer: auth.issuer, env: { ...env, ...ANY_REFUSALS } });
    auth.requestsLeft = 30;
    for (let count = 0; count < FORGED; count++) {
      const { status } = await whoami(running, forged({ alg: "HS256" }, `eve-${count}`));
      assertEquals(status, count < 30 ? 401 : 503);
    }
    assertEquals(project.asked.user, 31);
    const refused = await whoami(running, forged({ alg: "HS256" }, "somebody-else"));
    assertProblem(refused, TOKEN_PROBLEMS.auth_unavailable);
    const seconds = Number(refused.headers.get("retry-after"));
    assert(seconds > 20 && seconds <= 60, `Retry-After: ${seconds}`);
    assertEquals(running.logs.filter(({ event }) => event === "auth.unavailable").length, 1);
    // An expired token needs no Auth.
    const expired = await auth.issuer.token("alice", { claims: { exp: 1 } });
    assertProblem(await whoami(running, expired), TOKEN_PROBLEMS.token_expired);
  });
}
