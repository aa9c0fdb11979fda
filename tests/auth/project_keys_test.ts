/**
 * The service with the project's key set at a real address: docs/protocol.md, "Handshake", step 2.
 */
import { assert, assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import {
  type Answer,
  answerKeys,
  type ProjectStub,
  startProjectStub,
  unusedAddress,
} from "../support/project_stub.ts";
import { rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { assertAccepted, assertRefused } from "../support/token_checks.ts";

/** Serves with the keys at the project's address only. */
function startWithProject(
  project: ProjectStub,
  issuer: Issuer,
  env: Record<string, string> = {},
): Promise<RunningServer> {
  return startServer({ issuer, env: { SUPABASE_JWKS: undefined, SUPABASE_URL: project.url, ...env } });
}

async function whoami({ port }: RunningServer, issuer: Issuer, user = "alice"): Promise<RawResponse> {
  return await rawGet(port, "/realtime/whoami", [`Authorization: Bearer ${await issuer.token(user)}`]);
}

Deno.test("the key set is fetched once for many users who connect at the same moment", async () => {
  const issuer = await createIssuer();
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
  await using running = await startWithProject(project, issuer);
  const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);
  const responses = await Promise.all(users.map((user) => whoami(running, issuer, user)));
  assertEquals(responses.map(({ status }) => status), users.map(() => 200));
  await assertAccepted(running, await issuer.token("alice"));
  assertEquals(project.asked, { keys: 1, user: 0 });
});

Deno.test("a bad token is refused with fetched keys too, and an unknown key is named by no response", async () => {
  const issuer = await createIssuer();
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
  await using running = await startWithProject(project, issuer);
  await assertRefused(running, await (await createIssuer()).token("mallory"));
  assertEquals(project.asked.keys, 1);
});

Deno.test("after a rotation the new key works once the cooldown is over", async () => {
  const [old, fresh] = [await createIssuer(), await createIssuer()];
  await using project = startProjectStub({ keys: answerKeys(old.jwks) });
  await using running = await startWithProject(project, old, { JWKS_COOLDOWN_SECONDS: "1" });
  assertEquals((await whoami(running, old)).status, 200);
  project.keys = answerKeys({ keys: [...old.jwks.keys, ...fresh.jwks.keys] });
  await eventually(() => whoami(running, fresh), ({ status }) => status === 200);
  assertEquals((await whoami(running, old)).status, 200);
  assertEquals(project.asked.keys, 2);
});

Deno.test("with the address down it is 503 auth_unavailable until it is back", async () => {
  const issuer = await createIssuer();
  const gone = startProjectStub();
  await gone[Symbol.asyncDispose]();
  await using running = await startWithProject(gone, issuer);
  assertProblem(await whoami(running, issuer), TOKEN_PROBLEMS.auth_unavailable);
  assertEquals((await rawGet(running.port, "/realtime/health/ready")).status, 503);
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks), port: gone.port });
  await eventually(() => whoami(running, issuer), ({ status }) => {
    assert(status === 200 || status === 503, String(status));
    return status === 200;
  });
  assertEquals((await rawGet(running.port, "/realtime/health/ready")).status, 200);
  assertEquals(project.asked.keys, 1);
});

Deno.test("keys that were fetched serve on while the address is down", async () => {
  const [issuer, stranger] = [await createIssuer(), await createIssuer()];
  await using running = await (async () => {
    await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
    const running = await startWithProject(project, issuer, { JWKS_COOLDOWN_SECONDS: "1" });
    assertEquals((await whoami(running, issuer)).status, 200);
    return running;
  })();
  // Nobody can tell now if an unknown key is new or wrong.
  assertProblem(await whoami(running, stranger), TOKEN_PROBLEMS.auth_unavailable);
  assertEquals((await whoami(running, issuer, "bob")).status, 200);
});

const JUNK: Record<string, Answer> = {
  "HTML": () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
  "nothing": () => new Response(""),
  "status 500": () => new Response("oops", { status: 500 }),
  "status 404": () => Response.json({ message: "no such route" }, { status: 404 }),
  "keys that are no list": () => Response.json({ keys: 1 }),
  "keys that are no objects": () => Response.json({ keys: [1, "two", null] }),
  "null": () => Response.json(null),
  "half a key set": () => new Response('{"keys":['),
};
for (const [what, answer] of Object.entries(JUNK)) {
  Deno.test(`with the address answering ${what} it is 503 auth_unavailable`, async () => {
    await using project = startProjectStub({ keys: answer });
    await using running = await startWithProject(project, await createIssuer());
    await assertRefused(running, await running.issuer.token("alice"), "auth_unavailable");
    assertLessOrEqual(project.asked.keys, 1);
  });
}

Deno.test("the address does not get to send us elsewhere for keys: a redirect is 503 auth_unavailable", async () => {
  const issuer = await createIssuer();
  await using elsewhere = startProjectStub({ keys: answerKeys(issuer.jwks) });
  await using project = startProjectStub({
    keys: () => Response.redirect(`${elsewhere.url}/auth/v1/.well-known/jwks.json`),
  });
  await using running = await startWithProject(project, issuer);
  await assertRefused(running, await issuer.token("alice"), "auth_unavailable");
  assertEquals(elsewhere.asked.keys, 0);
});

Deno.test("with the address not answering in time it is 503 auth_unavailable", async () => {
  await using project = startProjectStub({ keys: () => project.tooLate });
  await using running = await startWithProject(project, await createIssuer(), { AUTH_TIMEOUT_MS: "100" });
  assertProblem(await whoami(running, running.issuer), TOKEN_PROBLEMS.auth_unavailable);
});

Deno.test("with the address not finishing its answer in time it is 503 auth_unavailable", async () => {
  await using project = startProjectStub({
    keys: () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('{"keys":['));
          },
          async pull(controller) {
            await project.tooLate;
            controller.close();
          },
        }),
      ),
  });
  await using running = await startWithProject(project, await createIssuer(), { AUTH_TIMEOUT_MS: "100" });
  assertProblem(await whoami(running, running.issuer), TOKEN_PROBLEMS.auth_unavailable);
});

Deno.test("the log says what was underneath a failure: why a key set cannot be fetched", async () => {
  await using running = await startServer({
    env: { SUPABASE_URL: unusedAddress(), SUPABASE_JWKS: undefined },
  });
  const response = await fetch(
    `${running.origin}/realtime/whoami?token=${await running.issuer.token("alice")}`,
  );
  await response.body?.cancel();
  assertEquals(response.status, 503);
  const [event] = await running.logged("auth.unavailable");
  assertMatch(String(event?.["error"]), /^KeySetUnavailable: The key set's address cannot be reached$/);
  assertMatch(String(event?.["cause"]), /^TypeError: .*connection refused/i);
});
