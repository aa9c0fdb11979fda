import { assert, assertEquals } from "@std/assert";
import type { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { ANY_RATE, RoomClient, roomUrl } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { startRoomProcess } from "./room_process.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";

const LEVELS = 10_000;
const ARRAYS = "[".repeat(3 * LEVELS) + "]".repeat(3 * LEVELS);
const OBJECTS = '{"a":'.repeat(LEVELS) + "1" + "}".repeat(LEVELS);
const UNCLOSED = ["[".repeat(60_000), '{"a":'.repeat(12_000)];

/** Frames with a deep value in one place each, and the expected error code. */
function frames(id: string, deep: string): readonly (readonly [place: string, text: string, code: string])[] {
  return [
    ["data", `{"type":"publish","id":"${id}","event":"e","data":${deep}}`, "invalid_frame"],
    [
      "data of an ephemeral",
      `{"type":"publish","id":"${id}","event":"e","data":${deep},"ephemeral":true}`,
      "invalid_frame",
    ],
    ["state", `{"type":"presence","id":"${id}","state":{"deep":${deep}}}`, "invalid_frame"],
    [
      "to",
      `{"type":"publish","id":"${id}","event":"e","data":1,"ephemeral":true,"to":${deep}}`,
      "invalid_frame",
    ],
    ["type", `{"type":${deep},"id":"${id}"}`, "invalid_frame"],
    ["token", `{"type":"auth","id":"${id}","token":${deep}}`, "invalid_frame"],
    ["limit", `{"type":"history","id":"${id}","after":0,"limit":${deep}}`, "invalid_frame"],
    ["an unknown field", `{"type":"ping","id":"${id}","unknown":${deep}}`, ""],
  ];
}

function codeOf(frame: ServerFrame): string {
  return frame.type === "error" ? frame.code : "";
}

Deno.test("values of thousands of levels are answered wherever they are, and the process lives (3.6)", async () => {
  await using rooms = await startRoomProcess();
  const [member] = await rooms.join("room");
  await using hostile = member;
  for (const deep of [ARRAYS, OBJECTS]) {
    for (const [place, text, code] of frames(`of ${deep.slice(0, 1)}`, deep)) {
      await hostile.sendText(text);
      const answer = await hostile.until(
        (frame) => "id" in frame && frame.id === `of ${deep.slice(0, 1)}`,
        place,
      );
      assertEquals(codeOf(answer), code, place);
    }
  }
  for (const [index, text] of [ARRAYS, OBJECTS, ...UNCLOSED].entries()) {
    await hostile.sendText(text);
    const answer = await hostile.until(({ type }) => type === "error", `the answer to frame ${index}`);
    assertEquals(codeOf(answer), "invalid_frame");
  }
  const [fresh] = await rooms.join("room", { query: { history: 500 } });
  await using observer = fresh;
  const { type } = await observer.request({ type: "ping", id: "alive" });
  assertEquals(type, "pong");
  assert(!observer.frames.some((frame) => frame.type === "message"), "nothing of it was published");
  assertEquals(rooms.process.stderr, "");
});

function nested(levels: number): unknown {
  return Array.from({ length: levels }).reduce<unknown>((inner) => [inner], "core");
}

Deno.test("data of 64 levels passes and reaches everybody, one more does not (3.6)", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using alice = await RoomClient.join(running, "room");
  await using bob = await RoomClient.join(running, "room", { user: "bob", plain: true });
  await alice.publish(nested(64));
  assertEquals((await bob.next("message")).data, nested(64));
  const answer = await alice.request({ type: "publish", id: "deeper", event: "chat", data: nested(65) });
  assertEquals(answer.type === "error" && [answer.code, answer.field], ["invalid_frame", "data"]);
  await alice.publish("marker");
  assertEquals((await bob.next("message")).data, "marker");
});

/** Values whose JSON has to arrive unchanged. */
const EXACT_DATA = [
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '{"toJSON":1,"length":-1,"then":"x"}',
  '"\\ud800 alone, \\u0000 NUL"',
  '[null,true,"",0,-1.5,1e+21,{}]',
];
const TELLING_NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "\0",
  "\ud800",
  "\u2028",
  "😀",
];

Deno.test("names of the prototype, lone surrogates and NUL arrive as they were sent, as event, id, data and state (5.8)", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using alice = await RoomClient.join(running, "room");
  // The schemas of a RoomClient would drop a key `__proto__`.
  const [member] = await TcpMember.join(await roomUrl(running, "room", { user: "bob" }), { plain: true });
  await using bob = member;
  const untilTold = (type: ServerFrame["type"]) => bob.until((frame) => frame.type === type, type);
  await untilTold("presence");
  for (const name of TELLING_NAMES) {
    for (const data of EXACT_DATA) {
      const id = `${name}${data}`.slice(0, 64);
      alice.sendRaw(
        `{"type":"publish","id":${JSON.stringify(id)},"event":${JSON.stringify(name)},"data":${data}}`,
      );
      const message = await untilTold("message");
      assert(message.type === "message");
      assertEquals([message.event, message.id, JSON.stringify(message.data)], [name, id, data]);
      assertEquals((await alice.answer(id)).type, "ack");
    }
    const state = `{${JSON.stringify(name)}:{"polluted":true}}`;
    alice.sendRaw(`{"type":"presence","id":"state","state":${state}}`);
    const change = await untilTold("presence");
    assert(change.type === "presence");
    assertEquals(JSON.stringify((change.joined ?? change.updated)?.[0]?.state), state);
    assertEquals((await alice.answer("state")).type, "ack");
  }
  assert(!("polluted" in {}));
});

const PROTOTYPE_ROOMS = [
  "constructor",
  "__proto__",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "prototype",
  "__defineGetter__",
];

Deno.test("rooms of the prototype's names are rooms like any other (1.1)", async () => {
  await using running = await startServer();
  for (const room of PROTOTYPE_ROOMS) {
    await using alice = await RoomClient.join(running, room, { user: room });
    assertEquals([alice.welcome.room, alice.welcome.user, alice.welcome.offset], [room, room, 0]);
    assertEquals((await alice.publish(room)).offset, 1);
    await alice.present({ here: room });
    await using late = await RoomClient.join(running, room, { query: { history: 1 } });
    assertEquals((await late.next("message")).data, room);
    assertEquals((await late.next("presence")).members?.map(({ user }) => user), [room]);
  }
});
