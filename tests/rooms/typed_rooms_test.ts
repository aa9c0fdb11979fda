/**
 * Room endpoints with their own events. Refusals are in tests/protocol/publishing_answers_test.ts,
 * 5.9.
 */
import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import * as mini from "zod/mini";
import { authenticate } from "../../packages/server/src/http/middleware/authenticate.ts";
import {
  roomEndpoint,
  type RoomEvents,
  type RoomMessages,
} from "../../packages/server/src/http/rooms/room_endpoint.ts";
import { publishFrame, RoomClient } from "../support/room_client.ts";
import { startRoomEndpoint } from "../support/room_endpoint.ts";
import { createApp, type RunningServer, startServer } from "../support/running_server.ts";

const EVENTS = {
  move: z.object({ x: z.number(), y: z.number().default(0) }),
  chat: z.string().trim().min(1),
  count: z.string().transform((text) => text.length),
  small: mini.object({ on: mini.boolean() }),
};

const boards = roomEndpoint({ authenticate, name: "boards", events: EVENTS });

// Types that a client may publish.
const _move: RoomEvents<typeof boards>["move"] = { x: 1 };
const _count: RoomEvents<typeof boards>["count"] = "abc";
const _small: RoomEvents<typeof boards>["small"] = { on: true };
// @ts-expect-error: x is missing
const _noX: RoomEvents<typeof boards>["move"] = { y: 1 };
// @ts-expect-error: the schema's output, not its input
const _counted: RoomEvents<typeof boards>["count"] = 3;
// @ts-expect-error: there is no such event
type _None = RoomEvents<typeof boards>["jump"];

// Types that arrive.
const _moved: RoomMessages<typeof boards>["move"] = { x: 1, y: 0 };
const _number: RoomMessages<typeof boards>["count"] = 3;
// @ts-expect-error: y has its default
const _noY: RoomMessages<typeof boards>["move"] = { x: 1 };
// @ts-expect-error: there is no such event
type _NoMessage = RoomMessages<typeof boards>["jump"];
// @ts-expect-error: no other event as a key
const _other: keyof RoomEvents<typeof boards> = "jump";

/** Starts a server with two more room endpoints. */
function startTwo(): Promise<RunningServer> {
  return startServer({
    app: () =>
      createApp()
        .route("/boards", boards)
        .route("/games", roomEndpoint({ authenticate, name: "games", events: { end: z.null() } })),
  });
}

Deno.test("the schema's output is delivered, with defaults and without unknown fields", async () => {
  await using running = await startRoomEndpoint({ name: "boards", events: EVENTS });
  await using alice = await RoomClient.join(running, "b", { mount: "/x" });
  await using bob = await RoomClient.join(running, "b", { mount: "/x", user: "bob", plain: true });
  const published: readonly (readonly [event: string, sent: unknown, delivered: unknown])[] = [
    ["move", { x: 1, colour: "red", __proto__: { evil: true } }, { x: 1, y: 0 }],
    ["chat", "  hello ", "hello"],
    ["count", "abc", 3],
    ["small", { on: true, off: false }, { on: true }],
  ];
  for (const [event, data, delivered] of published) {
    await alice.publish(data, { event });
    for (const member of [alice, bob]) {
      const message = await member.next("message");
      assertEquals([message.event, message.data], [event, delivered]);
    }
  }
  await using late = await RoomClient.join(running, "b", { mount: "/x", query: { history: 9 } });
  for (const [, , delivered] of published) assertEquals((await late.next("message")).data, delivered);
});

Deno.test("the same room id in two endpoints names two rooms", async () => {
  await using running = await startTwo();
  await using board = await RoomClient.join(running, "1", { mount: "/boards" });
  await using game = await RoomClient.join(running, "1", { mount: "/games" });
  await using room = await RoomClient.join(running, "1");
  assertEquals((await board.publish("hi", { event: "chat", id: "same" })).offset, 1);
  assertEquals((await game.publish(null, { event: "end", id: "same" })).offset, 1);
  assertEquals((await room.publish("any", { event: "any", id: "same" })).offset, 1);
  await board.present({ at: "board" });
  for (const [member, event] of [[board, "chat"], [game, "end"], [room, "any"]] as const) {
    assertEquals((await member.next("message")).event, event);
  }
  assertEquals((await game.takeAll()).map(({ type }) => type), ["presence"]);
  assertEquals((await room.takeAll()).map(({ type }) => type), ["presence"]);
});

Deno.test("each endpoint accepts only its own events", async () => {
  await using running = await startTwo();
  await using game = await RoomClient.join(running, "1", { mount: "/games" });
  const answer = await game.request(publishFrame("hi", { event: "chat" }));
  assert(answer.type === "error");
  assertEquals([answer.code, answer.field], ["invalid_frame", "event"]);
  assert(answer.message.includes("end"), answer.message);
});

Deno.test("endpoints of the same name share rooms, within the events of each", async () => {
  await using running = await startServer({
    app: () => createApp().route("/x", roomEndpoint({ authenticate, events: { chat: z.string() } })),
  });
  await using any = await RoomClient.join(running, "r");
  await using typed = await RoomClient.join(running, "r", { mount: "/x", user: "bob" });
  await typed.publish("hi", { event: "chat" });
  assertEquals((await any.next("message")).data, "hi");
});

Deno.test("an endpoint without events accepts no event", async () => {
  await using running = await startRoomEndpoint({ name: "none", events: {} });
  await using alice = await RoomClient.join(running, "r", { mount: "/x" });
  assertEquals((await alice.request(publishFrame("x"))).type, "error");
});
