/** The user's fields come from the claims of the token, also where Auth decides about the token. */
import { assertEquals } from "@std/assert";
import { CompactSign } from "jose";
import { defaultClaims, type Issuer } from "../../packages/cli/dev/issuer.ts";
import { userFromClaims } from "../../packages/server/src/auth/user.ts";
import { rawGet } from "../../tools/support/wire/raw_request.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { answerUser, remotePolicy, startProjectStub } from "../support/project_stub.ts";
import { RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

/**
 * Claims that a custom access token hook wrote; the user's row has `authenticated` and no rooms.
 */
const HOOKED = { role: "editor", app_metadata: { rooms: ["lobby"] }, email: "hook@example.com" };

async function whoami({ port }: RunningServer, token: string): Promise<Record<string, unknown>> {
  const { body } = await rawGet(port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
  return JSON.parse(body);
}

for (const policy of ["local", "remote"]) {
  Deno.test(`${policy} policy: what a hook wrote into the token counts, and not the user's row`, async () => {
    await using project = startProjectStub({ user: answerUser("alice") });
    const remote = policy === "remote" ? remotePolicy(project.url) : {};
    await using running = await startServer({ env: { ...remote, ROOM_POLICY: "claim" } });
    const token = await running.issuer.token("alice", { claims: HOOKED });
    const { role, app_metadata, email } = await whoami(running, token);
    assertEquals({ role, app_metadata, email }, HOOKED);
    await using member = await RoomClient.join(running, "lobby", { token });
    assertEquals(member.welcome.user, "alice");
  });

  Deno.test(`${policy} policy: a token without a role is that of anon, as in PostgREST`, async () => {
    await using project = startProjectStub({ user: answerUser("alice") });
    await using running = await startServer({ env: policy === "remote" ? remotePolicy(project.url) : {} });
    for (const role of [undefined, null]) {
      const user = await whoami(running, await running.issuer.token("alice", { claims: { role } }));
      assertEquals(user["role"], "anon");
    }
  });

  for (const name of ["service_role", "postgres", "anon"]) {
    Deno.test(`${policy} policy: ${name} is a sender, and no user's name`, async () => {
      await using project = startProjectStub({ user: answerUser(name) });
      await using running = await startServer({ env: policy === "remote" ? remotePolicy(project.url) : {} });
      const token = await running.issuer.token(name);
      const response = await rawGet(running.port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
      assertProblem(response, TOKEN_PROBLEMS.invalid_token);
      assertEquals(/`sub`/.test(JSON.parse(response.body).detail), true, response.body);
    });
  }
}

/** Signs a payload whose expiry is written as the JSON text `exp`. */
async function withExpiry({ alg, kid, privateKey }: Issuer, exp: string): Promise<string> {
  const payload = JSON.stringify({ ...defaultClaims("alice"), exp: "EXP" }).replace('"EXP"', exp);
  return await new CompactSign(new TextEncoder().encode(payload)).setProtectedHeader({ alg, kid }).sign(
    privateKey,
  );
}

/** Last second of the year 9999. */
const LAST_SECOND = 253_402_300_799;

for (
  const [exp, expected] of [["1e999", LAST_SECOND], ["1e300", LAST_SECOND], [
    "4102444800.75",
    4102444800,
  ]] as const
) {
  Deno.test(`an expiry of ${exp} is a whole and finite number of seconds`, async () => {
    await using running = await startServer();
    const token = await withExpiry(running.issuer, exp);
    const { expires_at, claims } = await whoami(running, token);
    assertEquals([expires_at, (claims as Record<string, unknown>)["exp"]], [expected, expected]);
    await using member = await RoomClient.join(running, "lobby", { token });
    assertEquals(member.welcome.expires_at, expected);
  });
}

Deno.test("claims with a usual expiry are not copied", () => {
  const claims = defaultClaims("alice");
  assertEquals(userFromClaims(claims)?.claims === claims, true);
});
