/**
 * A shared connection under any order of opens, closes, cuts and refusals: one socket, each room as
 * on a socket of its own, and no room that stays behind.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Room, RoomError } from "../../../packages/client/mod.ts";
import { createScene, type Events, messagesOf, type SharedScene } from "./shared_scene.ts";

const NAMES = ["a", "b", "tables/c"];
const ENDINGS = [
  { code: "forbidden" },
  { code: "not_found" },
  { code: "room_full", retryAfterMs: 700 },
  { code: "unavailable" },
  { code: "rate_limited", retryAfterMs: 2_000 },
  { code: "too_many_rooms", retryAfterMs: 1_000 },
] as const;

const rooms = fc.nat(NAMES.length - 1);
const endings = fc.constantFrom(...ENDINGS);
const actions = fc.oneof(
  fc.record({ type: fc.constant("open" as const), room: rooms }),
  fc.record({ type: fc.constant("close" as const), room: rooms }),
  fc.record({ type: fc.constant("publish" as const), room: rooms }),
  fc.record({ type: fc.constant("hear" as const), room: rooms }),
  fc.record({ type: fc.constant("refuse" as const), room: rooms, ending: endings }),
  fc.record({ type: fc.constant("end" as const), room: rooms, ending: endings }),
  fc.record({ type: fc.constant("reconnect" as const), room: rooms }),
  fc.record({
    type: fc.constant("cut" as const),
    code: fc.constantFrom(1006, 1006, 1012, 1013, 4401, 4403, 4408, 4429),
  }),
  fc.record({ type: fc.constant("accepts" as const), accepts: fc.boolean() }),
  fc.constant({ type: "closeAll" as const }),
  // Nothing in between: what follows happens in the same tick.
  { weight: 4, arbitrary: fc.constant({ type: "settle" as const }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.nat(4_000) }) },
);
type Action = typeof actions extends fc.Arbitrary<infer T> ? T : never;

/** A room, with all that it has told. */
interface Followed {
  readonly room: Room<Events>;
  readonly name: string;
  readonly messages: ReturnType<typeof messagesOf>;
  /** Offset of the first `welcome`. */
  start: number | null;
  /** Publishes by data, with their result. */
  readonly published: Map<number, number | string>;
}

function follow(scene: SharedScene, name: string): Followed {
  const room = scene.connection.createRoom<Events>(name);
  const followed: Followed = {
    room,
    name: name.includes("/") ? name : `rooms/${name}`,
    messages: messagesOf(room),
    start: null,
    published: new Map(),
  };
  room.on("state", ({ type }) => {
    if (type === "live") followed.start ??= room.position?.offset ?? 0;
  });
  room.on("gap", (gap) => {
    throw new Error(`The server has everything, but there is a gap: ${JSON.stringify(gap)}`);
  });
  return followed;
}

let said = 0;

async function perform(scene: SharedScene, all: readonly Followed[], action: Action): Promise<void> {
  const { server, connection, pass } = scene;
  const followed = "room" in action ? all[action.room] : all[0];
  assert(followed);
  const { room, name, published } = followed;
  switch (action.type) {
    case "open":
      return room.open();
    case "close":
      return void room.close();
    case "publish": {
      const data = ++said;
      void room.publish("chat", data).then(
        (offset) => published.set(data, offset),
        (error: RoomError) => published.set(data, error.code),
      );
      return;
    }
    case "hear":
      server.publish(name, `bob-${++said}`, "bob's");
      return;
    case "refuse":
      server.refusals.set(name, [...server.refusals.get(name) ?? [], action.ending]);
      return;
    case "end":
      server.end(name, action.ending);
      return;
    case "reconnect":
      return room.reconnect();
    case "cut":
      return server.cut(action.code);
    case "accepts":
      server.accepts = action.accepts;
      return;
    case "closeAll":
      return void connection.close();
    case "settle":
      return await server.settle();
    case "pass":
      return await pass(action.ms);
  }
}

/** Each message once and in order, and each promise as the server has it. */
function assertDelivered(scene: SharedScene, { room, name, messages, start, published }: Followed): void {
  const stored = scene.server.room(name).messages;
  assertEquals(room.position?.offset ?? 0, stored.length, `position in ${name}`);
  assertEquals(
    messages.map(({ offset, data }) => [offset, data]),
    stored.slice(start ?? 0).map(({ offset, data }) => [offset, data]),
    `messages of ${name}`,
  );
  const own = stored.filter(({ from }) => from.user === "alice");
  const order = own.map(({ data }) => Number(data));
  const promised = new Set([...published.keys()]);
  assertEquals(order.filter((data) => promised.has(data)), order, `only what was published in ${name}`);
  for (const [data, result] of published) {
    const offset = own.find((message) => message.data === data)?.offset;
    if (typeof result === "number") assertEquals(offset, result, `the ack of ${data}`);
    else assert(["closed", "forbidden", "not_found"].includes(result), result);
  }
}

Deno.test("any order of opens, closes, cuts and refusals: one socket, and each room as on its own", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(actions, { maxLength: 60 }), async (sequence) => {
      const scene = createScene();
      const { server, clock, connection, pass } = scene;
      const all = NAMES.map((name) => follow(scene, name));
      for (const { room } of all) room.open();
      for (const action of sequence) await perform(scene, all, action);
      // From now on everything goes well.
      server.accepts = true;
      server.refusals.clear();
      await server.settle();
      for (const { room } of all) room.open();
      for (let tries = 0; tries < 130 && !all.every(({ room }) => room.state.type === "live"); tries++) {
        await pass(1_000);
      }
      await server.settle();
      assertEquals(all.map(({ room }) => room.state.type), all.map(() => "live"));
      assertEquals(server.open.length, 1);
      assertEquals([...server.open[0]?.joined ?? []].sort(), all.map(({ name }) => name).sort());
      for (const followed of all) assertDelivered(scene, followed);
      assertEquals(server.violations, []);
      // No room that was closed stays joined, and nothing stays open.
      for (const { room } of all) void room.close();
      await server.settle();
      assertEquals([...server.open[0]?.joined ?? []], []);
      await pass(5_100);
      assertEquals([server.open.length, clock.waiting], [0, 0]);
      await connection.close();
    }),
    { numRuns: 500 },
  );
});
