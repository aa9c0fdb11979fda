/** Access tokens that Auth's OAuth 2.1 server gives to other apps. */
import { assertEquals } from "@std/assert";
import { rawGet } from "../../tools/support/wire/raw_request.ts";
import { RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { EVERYTHING, NOTHING } from "../../packages/server/src/rooms/policy/authorize.ts";

const CLIENT_ID = "9a8b7c6d-0000-4000-8000-000000000001";

Deno.test("whoami names the OAuth client of a token, and null for the project's own sessions", async () => {
  await using running = await startServer();
  const cases: readonly (readonly [claim: unknown, expected: unknown])[] = [
    [CLIENT_ID, CLIENT_ID],
    [undefined, null],
    ["", null],
    [7, null],
  ];
  for (const [client_id, expected] of cases) {
    const token = await running.issuer.token("alice", { claims: { client_id, scope: "openid email" } });
    const { body } = await rawGet(running.port, "/realtime/whoami", [`Authorization: Bearer ${token}`]);
    assertEquals(JSON.parse(body).client_id, expected);
  }
});

Deno.test("a policy tells OAuth clients apart: user.clientId", async () => {
  await using running = await startServer({
    deps: { authorize: ({ clientId }) => clientId === undefined ? EVERYTHING : { ...NOTHING, join: true } },
  });
  await using own = await RoomClient.join(running, "r");
  await using app = await RoomClient.join(running, "r", { claims: { client_id: CLIENT_ID } });
  assertEquals((await own.publish("x")).offset, 1);
  const answer = await app.request({ type: "publish", id: "p", event: "chat", data: 1 });
  assertEquals(answer.type === "error" && answer.code, "forbidden");
});
