/** Cursors of a room: the own one is sampled, the others' glide and go away. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { trackCursors } from "../../../packages/client/cursors.ts";
import { createCursorScene } from "./cursor_scene.ts";

const at = (x: number, y = x) => ({ x, y });

Deno.test("the first position goes at once and the last one after the interval, with key and without ack", async () => {
  const { cursors, server, sent, pass } = await createCursorScene();
  for (const x of [1, 2, 3]) cursors.move(x, x);
  await server.settle();
  assertEquals(sent(), [at(1)]);
  await pass(199);
  assertEquals(sent(), [at(1)]);
  await pass(1);
  assertEquals(sent(), [at(1), at(3)]);
  await pass(10_000);
  assertEquals(sent(), [at(1), at(3)]);
  cursors.move(4, 4);
  await server.settle();
  assertEquals(sent(), [at(1), at(3), at(4)]);
  const { id: _, ...frame } = server.frames.at(-1) ?? {};
  const expected: unknown = {
    type: "publish",
    room: "rooms/lobby",
    event: "cursor",
    data: at(4),
    ephemeral: true,
    key: "cursor",
    ack: false,
    exclude: "self",
  };
  assertEquals<unknown>(frame, expected);
});

Deno.test("without a connection the last position waits for the next one", async () => {
  const { cursors, server, sent, pass } = await createCursorScene();
  server.accepts = false;
  server.cut();
  await server.settle();
  cursors.move(1, 1);
  cursors.move(2, 2);
  await pass(5_000);
  assertEquals(sent(), []);
  server.accepts = true;
  await pass(30_000);
  assertEquals(sent(), [at(2)]);
});

Deno.test("a hidden cursor is sent as null, once, and a stopped one too", async () => {
  const { cursors, server, sent, pass } = await createCursorScene();
  cursors.hide();
  await pass(1_000);
  assertEquals(sent(), []);
  cursors.move(1, 1);
  cursors.hide();
  cursors.hide();
  await pass(1_000);
  assertEquals(sent(), [at(1), null]);
  cursors.move(2, 2);
  cursors.move(3, 3);
  cursors.stop();
  cursors.stop();
  await pass(1_000);
  assertEquals(sent(), [at(1), null, at(2), null]);
  assertEquals(server.violations, []);
});

Deno.test("another's cursor stands at its first position, and glides from there to the next", async () => {
  const { cursors, clock, draw, receive } = await createCursorScene();
  const frames: number[] = [];
  cursors.subscribe((others) => frames.push(others[0]?.x ?? NaN));
  await receive("c-1", at(0));
  draw();
  assertEquals(cursors.others, [{ connection: "c-1", user: "user of c-1", x: 0, y: 0 }]);
  await clock.pass(200);
  draw();
  assertEquals(draw(), false, "A cursor that stands requests frames.");
  await receive("c-1", at(100));
  for (const ms of [50, 50, 50]) {
    await clock.pass(ms);
    draw();
  }
  // Midway it turns, from where it is drawn.
  await receive("c-1", at(0));
  for (const ms of [100, 100]) {
    await clock.pass(ms);
    draw();
  }
  assertEquals(frames, [0, 0, 25, 50, 75, 37.5, 0]);
  const { others } = cursors;
  assertEquals(draw(), false);
  assertStrictEquals(cursors.others, others);
});

Deno.test("a cursor goes when it is hidden, when its connection leaves presence, and when the room closes", async () => {
  const { cursors, room, server, draw, receive, present } = await createCursorScene();
  const names = () => {
    draw();
    return cursors.others.map(({ connection }) => connection);
  };
  for (const connection of ["a", "b", "c", "d"]) await receive(connection, at(1));
  assertEquals(names(), ["a", "b", "c", "d"]);
  await receive("a", null);
  assertEquals(names(), ["b", "c", "d"]);
  await present({ left: [{ user: "user of b", connection: "b" }] });
  assertEquals(names(), ["c", "d"]);
  // A connection that resumes has another id.
  await present({ updated: [{ user: "user of c", connection: "c2", previous: "c", state: {} }] });
  assertEquals(names(), ["c2", "d"]);
  const closed = room.close();
  await server.settle();
  assertEquals(names(), []);
  await closed;
});

Deno.test("a cursor without a new position goes after the idle time", async () => {
  const { cursors, draw, receive, pass } = await createCursorScene({ idleMs: 1_000 });
  await receive("a", at(1));
  await pass(600);
  await receive("b", at(1));
  await pass(300);
  await receive("a", at(2));
  const left: string[][] = [];
  for (const ms of [600, 200, 200]) {
    await pass(ms);
    draw();
    left.push(cursors.others.map(({ connection }) => connection));
  }
  assertEquals(left, [["b", "a"], ["a"], []]);
});

Deno.test("above the limit the cursor goes that is still for longest", async () => {
  const { cursors, draw, receive } = await createCursorScene({ limit: 2 });
  for (const connection of ["a", "b", "a", "c"]) await receive(connection, at(1));
  draw();
  assertEquals(cursors.others.map(({ connection }) => connection), ["a", "c"]);
});

Deno.test("after a stop nothing is drawn, listened to or sent", async () => {
  const { cursors, clock, server, draw, receive, pass } = await createCursorScene();
  await receive("a", at(1));
  cursors.stop();
  assertEquals(draw(), false);
  await receive("b", at(1));
  await server.settle();
  cursors.move(1, 1);
  await pass(1_000);
  assertEquals([draw(), server.frames.filter(({ type }) => type === "publish").length], [false, 0]);
  assertEquals(clock.waiting <= 1, true, "Timers beside the connection's are left.");
});

Deno.test("invalid options and own positions are refused by name", async () => {
  const { cursors, room } = await createCursorScene();
  assertThrows(() => trackCursors(room, { intervalMs: 0 }), RangeError, "intervalMs");
  assertThrows(() => trackCursors(room, { limit: 1.5 }), RangeError, "limit");
  assertThrows(() => trackCursors(room, { idleMs: NaN }), RangeError, "idleMs");
  for (const x of [NaN, Infinity, 1e10]) {
    assertThrows(() => cursors.move(x, 0), RangeError, "Not a position");
  }
});
