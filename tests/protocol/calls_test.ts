/** docs/protocol.md, rules 18.4 to 18.7: calls. */
import { assert, assertEquals } from "@std/assert";
import * as z from "zod/mini";
import { z as zod } from "zod";
import { refuse } from "../../packages/server/src/rooms/server_code/refuse.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";

const mount = "/x";

const Add = {
  input: z.object({ one: z.number(), other: z._default(z.number(), 1) }),
  output: z.number(),
  handler: ({ one, other }: { one: number; other: number }) => one + other,
};

for (const { kind, plain } of KINDS) {
  Deno.test(`18.4 a call is answered with the method's result: ${kind}`, async () => {
    await using running = await startRoomEndpoint({
      name: "x",
      rpc: {
        add: Add,
        nothing: { input: z.undefined(), output: z.void(), handler: () => {} },
        whoami: {
          input: z.unknown(),
          output: zod.object({ user: zod.string(), connection: zod.string(), room: zod.string() }),
          handler: (_, { user, connection, room }) => ({
            user: user.id,
            connection,
            room: room.name,
            more: 1,
          }),
        },
      },
    });
    await using alice = await RoomClient.join(running, "r", { mount, plain });
    assertEquals(await alice.request({ type: "call", id: "1", method: "add", data: { one: 2 } }), {
      type: "result",
      id: "1",
      data: 3,
    });
    assertEquals(await alice.request({ type: "call", id: "2", method: "nothing" }), {
      type: "result",
      id: "2",
    });
    const who = { user: "alice", connection: alice.connection, room: "x/r" };
    assertEquals(await alice.request({ type: "call", id: "3", method: "whoami", data: [] }), {
      type: "result",
      id: "3",
      data: who,
    });
  });
}

Deno.test("18.4 calls hold back neither each other nor other frames", async () => {
  const gate = Promise.withResolvers<void>();
  await using running = await startRoomEndpoint({
    name: "x",
    rpc: {
      wait: { input: z.undefined(), output: z.string(), handler: () => gate.promise.then(() => "done") },
      add: Add,
    },
  });
  await using alice = await RoomClient.join(running, "r", { mount });
  alice.send([
    { type: "call", id: "slow", method: "wait" },
    { type: "call", id: "fast", method: "add", data: { one: 1 } },
    publishFrame("hello", { id: "message" }),
  ]);
  assertEquals((await alice.answer("fast")).type, "result");
  assertEquals((await alice.answer("message")).type, "ack");
  gate.resolve();
  assertEquals(await alice.answer("slow"), { type: "result", id: "slow", data: "done" });
});

Deno.test("18.5 an unknown method and wrong data name the field, and a method refuses with its reason", async () => {
  await using running = await startRoomEndpoint({
    name: "x",
    rpc: {
      add: Add,
      no: {
        input: z.unknown(),
        output: z.void(),
        handler() {
          throw refuse("not_yours", "Wait for your turn.");
        },
      },
    },
  });
  await using alice = await RoomClient.join(running, "r", { mount });
  let deep: unknown = 1;
  for (let level = 0; level < 65; level++) deep = [deep];
  const wrong = [
    [{ method: "jump" }, "method"],
    [{ method: "constructor" }, "method"],
    [{ method: "" }, "method"],
    [{ method: 5 }, "method"],
    [{ method: "add" }, "data"],
    [{ method: "add", data: { one: "1" } }, "data.one"],
    [{ method: "no", data: deep }, "data"],
  ] as const;
  for (const [index, [call, field]] of wrong.entries()) {
    alice.sendJson({ type: "call", id: String(index), ...call });
    const answer = await alice.answer(String(index));
    assert(answer.type === "error");
    assertEquals([answer.code, answer.field], ["invalid_frame", field], JSON.stringify(call).slice(0, 60));
  }
  const refused = await alice.request({ type: "call", id: "no", method: "no" });
  assert(refused.type === "error");
  assertEquals([refused.code, refused.reason, refused.message], [
    "refused",
    "not_yours",
    "Wait for your turn.",
  ]);
});

Deno.test("18.5 a room without methods answers a call with invalid_frame", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const answer = await alice.request({ type: "call", id: "1", method: "add", data: 1 });
  assert(answer.type === "error");
  assertEquals([answer.code, answer.field], ["invalid_frame", "method"]);
});

Deno.test("18.6 calls above max_calls are rate_limited; a call counts until it ends, also after its timeout", async () => {
  const gate = Promise.withResolvers<void>();
  await using running = await startRoomEndpoint({
    name: "x",
    rpc: { wait: { input: z.undefined(), output: z.void(), handler: () => gate.promise }, add: Add },
  }, { env: { MAX_CALLS: "3", HOOK_TIMEOUT_MS: "50" } });
  await using alice = await RoomClient.join(running, "r", { mount });
  await using bob = await RoomClient.join(running, "r", { mount, user: "bob" });
  const call = (id: string) => ({ type: "call", id, method: "wait" }) as const;
  alice.send(["1", "2", "3", "4"].map(call));
  const limited = await alice.answer("4");
  assert(limited.type === "error" && limited.code === "rate_limited" && limited.retry_after_ms !== undefined);
  for (const id of ["1", "2", "3"]) {
    const timeout = await alice.answer(id);
    assert(timeout.type === "error" && timeout.code === "timeout");
  }
  const still = await alice.request(call("5"));
  assert(still.type === "error" && still.code === "rate_limited");
  const add = (id: string) => ({ type: "call", id, method: "add", data: { one: 1 } }) as const;
  assertEquals((await bob.request(add("1"))).type, "result");
  gate.resolve();
  assertEquals((await alice.request(add("6"))).type, "result");
});

Deno.test("18.7 the server runs every call frame, also one with an id that it has seen", async () => {
  let runs = 0;
  await using running = await startRoomEndpoint({
    name: "x",
    rpc: { count: { input: z.undefined(), output: z.number(), handler: () => ++runs } },
  });
  await using alice = await RoomClient.join(running, "r", { mount });
  for (const data of [1, 2]) {
    assertEquals(await alice.request({ type: "call", id: "same", method: "count" }), {
      type: "result",
      id: "same",
      data,
    });
  }
});
