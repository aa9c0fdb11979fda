/**
 * The authorize hook, and the claim policy over a socket. Protocol answers are in tests/protocol/.
 */
import { assert, assertEquals } from "@std/assert";
import type { Authorize } from "../../packages/server/src/rooms/policy/authorize.ts";
import { EVERYTHING, NOTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { connect } from "../support/handshake.ts";
import { assertProblem } from "../support/problem.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";

const FORBIDDEN = { status: 403, code: "forbidden", title: "Forbidden" };

/** Sends a handshake with the claims; returns its status. */
async function statusOf(
  running: RunningServer,
  room: string,
  claims: Record<string, unknown> = {},
): Promise<number> {
  const { pathname, search } = new URL(await roomUrl(running, room, { claims }));
  return (await rawGet(running.port, pathname + search, HANDSHAKE)).status;
}

Deno.test("the hook gets the verified user and the room, once per handshake", async () => {
  const calls: unknown[] = [];
  const authorize: Authorize = ({ id, appMetadata }, room) => {
    calls.push([id, appMetadata["team"], room]);
    return EVERYTHING;
  };
  await using running = await startServer({ deps: { authorize } });
  await using _alice = await RoomClient.join(running, "Lobby", { claims: { app_metadata: { team: 7 } } });
  await using _bob = await RoomClient.join(running, "lobby", { user: "bob" });
  assertEquals(calls, [["alice", 7, "Lobby"], ["bob", undefined, "lobby"]]);
});

Deno.test("the hook is awaited before the upgrade", async () => {
  const gate = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  const authorize: Authorize = async () => {
    called.resolve();
    await gate.promise;
    return NOTHING;
  };
  await using running = await startServer({ deps: { authorize } });
  const response = connect(running, "/rooms/r");
  await called.promise;
  assertEquals(running.engine.connections.count, 0);
  gate.resolve();
  assertProblem(await response, FORBIDDEN);
  assertEquals(running.engine.connections.count, 0);
});

Deno.test("without join the handshake is refused with 403, whatever else is allowed", async () => {
  await using running = await startServer({
    deps: { authorize: () => ({ ...EVERYTHING, join: false }) },
  });
  const response = await connect(running, "/rooms/r");
  assertProblem(response, FORBIDDEN);
  assertEquals(JSON.parse(response.body).detail, "This user may not join this room.");
  assertEquals(running.engine.connections.count, 0);
});

for (
  const [what, authorize] of [
    ["rejects", () => Promise.reject(new Error("the database says no"))],
    ["throws", () => {
      throw new Error("the database says no");
    }],
  ] as const satisfies readonly (readonly [string, Authorize])[]
) {
  Deno.test(`a hook that ${what} refuses with 500, and the client does not see the cause`, async () => {
    await using running = await startServer({ deps: { authorize } });
    const { status, body, headers } = await connect(running, "/rooms/r");
    assertEquals(status, 500);
    assert(!`${body}${JSON.stringify([...headers])}`.includes("database"), body);
    const [failure] = await running.logged("request.failed");
    assertEquals(failure?.["request_id"], JSON.parse(body).request_id);
    assert(JSON.stringify(failure).includes("the database says no"));
    assertEquals(running.engine.connections.count, 0);
  });
}

Deno.test("an endpoint's own hook decides for its rooms only", async () => {
  const authorize: Authorize = ({ id }) => id === "alice" ? EVERYTHING : NOTHING;
  await using running = await startRoomEndpoint({ name: "own", authorize }, {
    deps: { authorize: ({ id }) => id === "alice" ? NOTHING : EVERYTHING },
  });
  await using alice = await RoomClient.join(running, "r", { mount: "/x" });
  assertEquals((await alice.publish("x")).offset, 1);
  assertProblem(await connect(running, "/rooms/r"), FORBIDDEN);
  await using _bob = await RoomClient.join(running, "r", { user: "bob" });
});

Deno.test("ROOM_POLICY=claim lets users join only the rooms that app_metadata names", async () => {
  await using running = await startServer({ env: { ROOM_POLICY: "claim" } });
  const claims = { app_metadata: { rooms: ["lobby", "team-7-*"] } };
  for (
    const [room, status] of [["lobby", 101], ["team-7-a", 101], ["team-8-a", 403], ["Lobby", 403]] as const
  ) {
    assertEquals(await statusOf(running, room, claims), status, room);
  }
  assertEquals(await statusOf(running, "lobby"), 403);
});

Deno.test("ROOM_POLICY=claim ignores user_metadata and claims outside app_metadata", async () => {
  await using running = await startServer({ env: { ROOM_POLICY: "claim" } });
  for (const claims of [{ user_metadata: { rooms: ["*"] } }, { rooms: ["*"] }]) {
    assertEquals(await statusOf(running, "lobby", claims), 403);
  }
});

Deno.test("ROOM_POLICY=claim allows only the permissions in the claim's object", async () => {
  await using running = await startServer({ env: { ROOM_POLICY: "claim", ROOM_CLAIM: "may" } });
  const claims = { app_metadata: { may: { "news-*": ["join", "history"] }, rooms: ["*"] } };
  await using alice = await RoomClient.join(running, "news-1", { claims, query: { history: 5 } });
  const answer = await alice.request(publishFrame("x"));
  assert(answer.type === "error");
  assertEquals(answer.code, "forbidden");
  assertEquals(await statusOf(running, "other", claims), 403);
});

Deno.test("ROOM_POLICY=claim uses the fresh token, not the old one", async () => {
  await using running = await startServer({ env: { ROOM_POLICY: "claim" } });
  await using alice = await RoomClient.join(running, "r", { claims: { app_metadata: { rooms: ["r"] } } });
  const token = await running.issuer.token("alice");
  const answer = await alice.request({ type: "auth", id: "a", token });
  assert(answer.type === "error");
  assertEquals(answer.code, "forbidden");
  assertEquals((await alice.closed()).code, 4403);
});
