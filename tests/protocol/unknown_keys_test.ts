/** docs/protocol.md, rule 2.11. */
import { assert, assertEquals } from "@std/assert";
import { createIssuer, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { rawGet, type RawResponse } from "../../tools/support/wire/raw_request.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { answerKeys, startProjectStub } from "../support/project_stub.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

async function whoami({ port }: RunningServer, issuer: Issuer): Promise<RawResponse> {
  return await rawGet(port, "/realtime/whoami", [`Authorization: Bearer ${await issuer.token("alice")}`]);
}

Deno.test("2.11 a key that appears after the fetch is 503 for the rest of the cooldown, and accepted after it", async () => {
  const [old, fresh] = [await createIssuer(), await createIssuer()];
  await using project = startProjectStub({ keys: answerKeys(old.jwks) });
  await using running = await startServer({
    issuer: old,
    env: { SUPABASE_JWKS: undefined, SUPABASE_URL: project.url, JWKS_COOLDOWN_SECONDS: "2" },
  });
  await using alice = await RoomClient.join(running, "r");
  project.keys = answerKeys({ keys: [...old.jwks.keys, ...fresh.jwks.keys] });
  const early = await whoami(running, fresh);
  assertProblem(early, TOKEN_PROBLEMS.auth_unavailable);
  const seconds = Number(early.headers.get("retry-after"));
  assert(seconds >= 1 && seconds <= 2, `Retry-After: ${seconds}`);
  const frame = await alice.request({ type: "auth", id: "a", token: await fresh.token("alice") });
  assert(frame.type === "error" && frame.code === "auth_unavailable", JSON.stringify(frame));
  assert((frame.retry_after_ms ?? 0) > 0 && (frame.retry_after_ms ?? 0) <= 2_000, JSON.stringify(frame));
  const late = await eventually(() => whoami(running, fresh), ({ status }) => status !== 503);
  assertEquals(late.status, 200, late.body);
});

Deno.test("2.11 a key that the fetch for it did not bring is 401 for the rest of the cooldown", async () => {
  const [issuer, stranger] = [await createIssuer(), await createIssuer()];
  await using project = startProjectStub({ keys: answerKeys(issuer.jwks) });
  await using running = await startServer({
    issuer,
    env: { SUPABASE_JWKS: undefined, SUPABASE_URL: project.url },
  });
  for (let count = 0; count < 3; count++) {
    assertProblem(await whoami(running, stranger), TOKEN_PROBLEMS.invalid_token);
  }
  assertEquals((await whoami(running, issuer)).status, 200);
  assertEquals(project.asked.keys, 1);
});
