/** docs/protocol.md, rule 4.6. */
import { assert, assertEquals } from "@std/assert";
import { type Authorize, EVERYTHING } from "../../packages/server/src/rooms/policy/authorize.ts";
import { connect } from "../support/handshake.ts";
import { assertProblem, type ExpectedProblem } from "../support/problem.ts";
import { freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

const FORBIDDEN: ExpectedProblem = { status: 403, code: "forbidden", title: "Forbidden" };

Deno.test("4.6 without join the upgrade is refused with 403", async () => {
  const authorize: Authorize = ({ id }, room) => ({
    ...EVERYTHING,
    join: id !== "alice" || room !== "closed",
  });
  await using running = await startServer({ deps: { authorize } });
  assertProblem(await connect(running, "/rooms/closed"), FORBIDDEN);
  assertEquals((await connect(running, "/rooms/open")).status, 101);
});

Deno.test("4.6 with history= but without that permission the upgrade is refused with 403", async () => {
  const authorize: Authorize = () => ({ ...EVERYTHING, history: false });
  await using running = await startServer({ deps: { authorize } });
  assertProblem(await connect(running, "/rooms/r?history=5"), { ...FORBIDDEN, field: "query.history" });
  assertEquals((await connect(running, "/rooms/r")).status, 101);
  assertEquals((await connect(running, "/rooms/r?after=5&epoch=e")).status, 101);
});

for (const { kind, plain } of KINDS) {
  Deno.test(`4.6 other forbidden frames of ${kind} are answered with forbidden and not handled`, async () => {
    const authorize: Authorize = ({ id }) =>
      id === "bob" ? { join: true, publish: false, presence: false, history: false } : EVERYTHING;
    await using running = await startServer({ deps: { authorize } });
    await using alice = await RoomClient.join(running, "r");
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain });
    await alice.publish("seen by bob");
    assertEquals((await bob.next("message")).data, "seen by bob");
    const tries = [
      publishFrame("x"),
      publishFrame("x", { ephemeral: true }),
      { type: "presence", id: freshId(), state: {} } as const,
      { type: "presence", id: freshId(), state: null } as const,
      { type: "history", id: freshId(), after: 0, limit: 5 } as const,
    ];
    for (const frame of tries) {
      const answer = await bob.request(frame);
      assert(answer.type === "error", JSON.stringify(answer));
      assertEquals([answer.code, answer.id], ["forbidden", frame.id]);
    }
    assertEquals((await alice.takeAll()).map(({ type }) => type), ["presence", "message"]);
  });
}
