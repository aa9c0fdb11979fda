/** `room.call` against a server: typed by the endpoint's schemas. */
import { assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import { connect, RoomError } from "../../packages/client/mod.ts";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import { type RoomCalls, roomEndpoint } from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { refuse } from "../../packages/server/src/rooms/server_code/refuse.ts";
import { createApp, startServer } from "../support/running_server.ts";

const called = Promise.withResolvers<void>();
const mayEnd = Promise.withResolvers<void>();

const sums = roomEndpoint({
  authenticate,
  name: "sums",
  rpc: {
    add: {
      input: z.object({ one: z.number(), other: z.number().default(1) }),
      output: z.object({ sum: z.number().transform(String) }),
      handler: ({ one, other }) => ({ sum: one + other }),
    },
    hang: {
      input: z.undefined(),
      output: z.void(),
      handler() {
        called.resolve();
        return mayEnd.promise;
      },
    },
    refuse: {
      input: z.string(),
      output: z.void(),
      handler(reason) {
        throw refuse(reason, "Not now.");
      },
    },
  },
});
type Calls = RoomCalls<typeof sums>;

Deno.test("a call resolves with the result, or rejects with the server's code, field and reason", async () => {
  await using running = await startServer({ app: () => createApp().route("/sums", sums) });
  await using room = connect<object, object, Calls>(`${running.origin}/realtime/sums/1`, {
    token: () => running.issuer.token("alice"),
  });
  const offline = await assertRejects(() => room.call("refuse", "early"), RoomError);
  assertEquals(offline.code, "offline");
  await room.live();
  const { sum } = await room.call("add", { one: 2 });
  const text: string = sum;
  assertEquals(text, "3");
  const refused = await assertRejects(() => room.call("refuse", "not_yours"), RoomError, "Not now.");
  assertEquals([refused.code, refused.reason], ["refused", "not_yours"]);
  // @ts-expect-error: `one` is a number
  const wrong = await assertRejects(() => room.call("add", { one: "2" }), RoomError);
  assertEquals([wrong.code, wrong.field], ["invalid_frame", "data.one"]);
  // @ts-expect-error: there is no such method
  const unknown = await assertRejects(() => room.call("jump", 1), RoomError);
  assertEquals([unknown.code, unknown.field], ["invalid_frame", "method"]);
});

Deno.test("a call whose connection breaks is outcome_unknown, and is not repeated", async () => {
  await using running = await startServer({ app: () => createApp().route("/sums", sums) });
  await using room = connect<object, object, Calls>(`${running.origin}/realtime/sums/1`, {
    token: () => running.issuer.token("alice"),
  });
  await room.live();
  const calls: string[] = [];
  room.on("frame", ({ direction, frame }) => {
    if (direction === "out") calls.push(frame.type);
  });
  const lost = assertRejects(() => room.call("hang"), RoomError);
  await called.promise;
  room.reconnect();
  assertEquals((await lost).code, "outcome_unknown");
  await room.live();
  assertEquals((await room.call("add", { one: 1, other: 2 })).sum, "3");
  assertEquals(calls.filter((type) => type === "call").length, 2);
  // Its timer would outlive the test.
  mayEnd.resolve();
});
