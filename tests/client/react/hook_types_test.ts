/**
 * Types of the hooks: a room's events reach every hook. `deno task check` holds this
 * file against the types.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import type { Gap, Room, RoomMessage } from "../../../packages/client/mod.ts";
import type { Cursor } from "../../../packages/client/cursors.ts";
import {
  type MessageList,
  RealtimeProvider,
  useCursors,
  useMessages,
  usePresence,
  useRoom,
  useRoomEvent,
  useRoomListener,
} from "../../../packages/client/react.ts";

interface Published {
  chat: { text: string };
  move: { x: number; y?: number };
}
interface Received {
  chat: { text: string };
  move: { x: number; y: number };
}
interface Calls {
  vote: { input: { choice: number }; output: { total: number } };
}
type Chat = Extract<RoomMessage<Received>, { event: "chat" }>;
type Move = Extract<RoomMessage<Received>, { event: "move" }>;

const URL_OF_ROOM = "http://127.0.0.1:1/realtime/rooms/a";
const token = () => "token";

/** True if two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function Typed({ maybe }: { maybe: string | null }): string {
  const room = useRoom<Published, Received>(URL_OF_ROOM, { token });
  const _room: Same<typeof room, Room<Published, Received>> = true;
  const perhaps = useRoom<Published, Received>(maybe, { token });
  const _perhaps: Same<typeof perhaps, Room<Published, Received> | null> = true;
  const untyped = useRoom(URL_OF_ROOM, { token });
  const _untyped: Same<typeof untyped, Room<Record<string, unknown>, Record<string, unknown>>> = true;
  // @ts-expect-error: a room has a token
  useRoom(URL_OF_ROOM, {});

  const chat = useMessages(room, { event: "chat" });
  const _chat: Same<typeof chat, MessageList<Chat>> = true;
  const both = useMessages(perhaps, { event: ["chat", "move"], limit: 5 });
  const _both: Same<typeof both, MessageList<Chat | Move>> = true;
  const all = useMessages(room);
  const _all: Same<typeof all, MessageList<RoomMessage<Received>>> = true;
  // @ts-expect-error: there is no such event
  useMessages(room, { event: "jump" });
  // @ts-expect-error: nor in a list
  useMessages(room, { event: ["chat", "jump"] });
  for (const { data } of chat.messages) {
    const _text: string = data.text;
    // @ts-expect-error: a chat has no x
    data.x;
  }

  useRoomEvent(room, "move", ({ data: { x, y }, from }) => {
    const _sum: number = x + y;
    const _user: string = from.user;
  });
  useRoomEvent(perhaps, "chat", (message) => {
    const _message: Same<typeof message, Chat> = true;
  });
  useRoomEvent(untyped, "anything", ({ data }) => {
    const _data: Same<typeof data, unknown> = true;
  });
  for (const { data } of useMessages(untyped, { event: "anything" }).messages) {
    const _data: Same<typeof data, unknown> = true;
  }
  // @ts-expect-error: there is no such event
  useRoomEvent(room, "jump", () => {});
  // @ts-expect-error: another event's data
  useRoomEvent(room, "chat", ({ data }: { data: { x: number } }) => data);
  useRoomListener(room, "gap", (gap) => {
    const _gap: Same<typeof gap, Gap> = true;
  });
  // @ts-expect-error: nothing of that kind is told
  useRoomListener(room, "gaps", () => {});

  const { others } = useCursors(room, { event: "move" });
  const _others: Same<typeof others, readonly Cursor[]> = true;
  // @ts-expect-error: there is no such event
  useCursors(perhaps, { event: "jump" });

  usePresence(room, { name: "Ada" });
  usePresence(perhaps, null);
  // @ts-expect-error: a state is an object
  usePresence(room, "Ada");

  const _publish = () => {
    void room.publish("move", { x: 1 });
    // @ts-expect-error: x is missing
    void room.publish("move", { y: 1 });
    // @ts-expect-error: there is no such event
    void room.publish("jump", {});
    // @ts-expect-error: there may be no room
    void perhaps.publish("move", { x: 1 });
  };
  return "typed";
}

export function Called({ maybe }: { maybe: string | null }): string {
  const room = useRoom<Published, Received, Calls>(URL_OF_ROOM, { token });
  const _room: Same<typeof room, Room<Published, Received, Calls>> = true;
  const named = useRoom<Published, Received, Calls>("lobby");
  const _named: Same<typeof named, Room<Published, Received, Calls>> = true;
  const perhaps = useRoom<Published, Received, Calls>(maybe);
  const _perhaps: Same<typeof perhaps, Room<Published, Received, Calls> | null> = true;
  useRoomEvent(room, "chat", (message) => {
    const _message: Same<typeof message, Chat> = true;
  });
  useMessages(perhaps, { event: "chat" });
  usePresence(named, { name: "Ada" });

  const _call = async () => {
    const answer = await room.call("vote", { choice: 1 });
    const _answer: Same<typeof answer, { total: number }> = true;
    // @ts-expect-error: a choice is a number
    void room.call("vote", { choice: "one" });
    // @ts-expect-error: a vote has data
    void named.call("vote");
    // @ts-expect-error: there is no such method
    void named.call("veto", { choice: 1 });
  };
  return room.url;
}

Deno.test("hooks that compile also render", () => {
  assertEquals(renderToString(createElement(Typed, { maybe: null })), "typed");
});

export function Provided({ maybe }: { maybe: string | null }): string {
  // @ts-expect-error: an address needs a token
  useRoom("https://host/realtime/rooms/lobby", { history: 5 });
  const room = useRoom<Published, Received>("lobby", { history: 5 });
  const _room: Same<typeof room, Room<Published, Received>> = true;
  const perhaps = useRoom<Published, Received>(maybe);
  const _perhaps: Same<typeof perhaps, Room<Published, Received> | null> = true;
  return room.url;
}

Deno.test("in a provider a name is enough, and names a room of its function", () => {
  const provider = (...names: string[]) =>
    createElement(
      RealtimeProvider,
      { url: "http://127.0.0.1:1/realtime", token },
      ...names.map((name) => createElement(UrlOf, { name, key: name })),
    );
  assertEquals(
    renderToString(provider("lobby", "tables/7", "https://other/realtime/rooms/a")),
    [
      "http://127.0.0.1:1/realtime/rooms/lobby",
      "http://127.0.0.1:1/realtime/tables/7",
      "https://other/realtime/rooms/a",
    ]
      .join("<!-- -->"),
  );
  assertThrows(
    () => renderToString(createElement(UrlOf, { name: "lobby" })),
    TypeError,
    "Not a room's address",
  );
  assertThrows(() => renderToString(provider("a/b/c")), TypeError, "Not a room's name");
});

function UrlOf({ name }: { name: string }): string {
  return useRoom(name, { token }).url;
}
