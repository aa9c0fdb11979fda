/**
 * docs/protocol.md, rules 1.1 and 2.8, and 2.1 to 2.7 for rooms; the rest is in
 * tests/http/handshake_test.ts.
 */
import { assert, assertEquals } from "@std/assert";
import { RoomClient } from "../support/room_client.ts";
import { connect } from "../support/handshake.ts";
import { assertProblem, TOKEN_PROBLEMS } from "../support/problem.ts";
import { HANDSHAKE, rawGet } from "../../tools/support/wire/raw_request.ts";
import { startServer } from "../support/running_server.ts";

for (const room of ["a", "A-Za-z0-9._~:-", "a".repeat(128), "__proto__", "...", "%41"]) {
  Deno.test(`1.1 ${room.slice(0, 14)} of ${room.length} characters is a room id`, async () => {
    await using running = await startServer();
    await using alice = await RoomClient.join(running, room);
    assertEquals(alice.welcome.room, decodeURIComponent(room));
    assertEquals((await alice.publish("x")).offset, 1);
  });
}

Deno.test("1.1 room ids are case-sensitive", async () => {
  await using running = await startServer();
  await using lower = await RoomClient.join(running, "room");
  await using upper = await RoomClient.join(running, "Room");
  await lower.publish("x");
  assertEquals((await upper.takeAll()).map(({ type }) => type), ["presence"]);
});

const NO_IDS = ["a%20b", "a%2Fb", "%C3%A4", "a@b", "a+b", "a,b", "%00", "%2E%2E%2F", "a%25", "a".repeat(129)];
for (const room of NO_IDS) {
  Deno.test(`1.1 ${room.slice(0, 14)} of ${room.length} characters is not a room id`, async () => {
    await using running = await startServer();
    assertProblem(await connect(running, `/rooms/${room}`), {
      status: 400,
      code: "invalid_request",
      title: "Invalid request",
      field: "param.id",
    });
  });
}

Deno.test("2.2 a room requires a token first", async () => {
  await using running = await startServer();
  const { port } = running;
  assertProblem(
    await rawGet(port, "/realtime/rooms/a?history=nonsense", HANDSHAKE),
    TOKEN_PROBLEMS.missing_token,
  );
});

const GOOD_QUERIES = [
  "",
  "?history=0",
  "?history=500",
  "?history=007",
  "?after=0&epoch=e",
  "?epoch=e&after=999999999999999",
  "?after=5&epoch=e&connection=c",
];
for (const query of GOOD_QUERIES) {
  Deno.test(`2.8 ${query || "no query"} is accepted`, async () => {
    await using running = await startServer();
    assertEquals((await connect(running, `/rooms/r${query}`)).status, 101);
  });
}

const BAD_QUERIES: readonly (readonly [query: string, field: string])[] = [
  ["history=501", "history"],
  ["history=-1", "history"],
  ["history=", "history"],
  ["history=1.5", "history"],
  ["history=1e2", "history"],
  ["history=ten", "history"],
  ["history=%201", "history"],
  ["history=9999999999999999999999", "history"],
  ["history=1&history=2", "history"],
  ["history=1&after=1&epoch=e", "history"],
  ["after=-1&epoch=e", "after"],
  ["after=x&epoch=e", "after"],
  ["after=&epoch=e", "after"],
  ["after=9007199254740993&epoch=e", "after"],
  ["after=1&after=2&epoch=e", "after"],
  ["after=1&epoch=", "epoch"],
  ["after=1&epoch=e&epoch=f", "epoch"],
  ["connection=c", "connection"],
  ["history=5&connection=c", "connection"],
  ["after=1&epoch=e&connection=c&connection=d", "connection"],
];
for (const [query, field] of BAD_QUERIES) {
  Deno.test(`2.8 ?${query} is 400 and names ${field}`, async () => {
    await using running = await startServer();
    assertProblem(await connect(running, `/rooms/r?${query}`), {
      status: 400,
      code: "invalid_request",
      title: "Invalid request",
      field: `query.${field}`,
    });
    assertEquals(running.engine.connections.count, 0);
  });
}

Deno.test("2.7 a room selects realtime.v1 if it is offered, and no other subprotocol", async () => {
  await using running = await startServer();
  for (const [offer, selected] of [["realtime.v1, other", "realtime.v1"], ["other", null]] as const) {
    const { status, headers } = await connect(running, "/rooms/r", [
      ...HANDSHAKE,
      `Sec-WebSocket-Protocol: ${offer}`,
    ]);
    assert(status === 101);
    assertEquals(headers.get("sec-websocket-protocol"), selected);
  }
});
