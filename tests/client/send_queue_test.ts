/** One queue for the frames of several rooms: shared messages, one rate, and turns. */
import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { RoomError } from "../../packages/client/errors.ts";
import { Requests } from "../../packages/client/requests.ts";
import type { SendQueue } from "../../packages/client/send_queue.ts";
import { ManualClock, rest } from "./manual_clock.ts";
import { createQueue } from "./sending_requests.ts";

const LIMITS = { frames_per_second: 100, frames_burst: 200, max_frame_bytes: 65_536, dedupe_seconds: 300 };
const again = { again: true };

interface Scene {
  readonly clock: ManualClock;
  readonly queue: SendQueue;
  /** Every WebSocket message, as a list of frame ids. */
  readonly sent: string[][];
  /** Requests of one more room. */
  createRoom(): Requests;
  publish(room: Requests, ...ids: string[]): void;
}

function createScene(): Scene {
  const clock = new ManualClock();
  const sent: string[][] = [];
  const queue = createQueue(clock, (frames) => sent.push(frames.map(({ id }) => id)));
  return {
    clock,
    queue,
    sent,
    createRoom() {
      const room = new Requests({ clock, queue });
      room.connected();
      return room;
    },
    publish(room, ...ids) {
      for (const id of ids) void room.ask({ type: "publish", id, event: "chat", data: id }, again);
    },
  };
}

Deno.test("the frames of all rooms share a WebSocket message, a frame of each room in turn", async () => {
  const { createRoom, publish, sent } = createScene();
  const [one, other] = [createRoom(), createRoom()];
  publish(one, "a1", "a2", "a3");
  publish(other, "b1");
  one.begin({ limits: LIMITS }, true);
  other.begin({ limits: LIMITS }, true);
  await rest();
  assertEquals(sent, [["a1", "b1", "a2", "a3"]]);
});

Deno.test("all rooms together keep to the rate, and a busy room does not keep the others waiting", async () => {
  const { createRoom, publish, sent, clock } = createScene();
  const [busy, quiet] = [createRoom(), createRoom()];
  const limits = { ...LIMITS, frames_per_second: 10, frames_burst: 10 };
  busy.begin({ limits }, true);
  quiet.begin({ limits }, true);
  publish(busy, ...Array.from({ length: 100 }, (_, index) => `busy-${index}`));
  await rest();
  assertEquals(sent.flat().length, 9);
  publish(quiet, "quiet-1", "quiet-2");
  await clock.pass(1_000);
  assertEquals(sent.flat().length, 17);
  assertEquals(sent.flat().filter((id) => id.startsWith("quiet")), ["quiet-1", "quiet-2"]);
});

Deno.test("larger limits count at once, the same ones again change nothing, and the frames before count", async () => {
  const { createRoom, publish, sent } = createScene();
  const [first, second] = [createRoom(), createRoom()];
  publish(first, ...Array.from({ length: 300 }, (_, index) => `id-${index}`));
  first.begin({ limits: {} }, true);
  await rest();
  assertEquals(sent.flat().length, 9);
  second.begin({ limits: LIMITS }, true);
  await rest();
  assertEquals(sent.flat().length, 180);
  second.end();
  second.begin({ limits: LIMITS }, true);
  await rest();
  assertEquals(sent.flat().length, 180);
});

Deno.test("a room that waits for the server keeps only itself waiting", async () => {
  const { createRoom, publish, sent, clock } = createScene();
  const [refused, other] = [createRoom(), createRoom()];
  refused.begin({ limits: LIMITS }, true);
  other.begin({ limits: LIMITS }, true);
  publish(refused, "a");
  await rest();
  refused.answer({ type: "error", code: "unavailable", message: "away", id: "a", retry_after_ms: 1_000 });
  publish(other, "b");
  await clock.pass(999);
  assertEquals(sent, [["a"], ["b"]]);
  await clock.pass(1);
  assertEquals(sent, [["a"], ["b"], ["a"]]);
});

Deno.test("a room that leaves takes its frames with it, and the last one its timer", async () => {
  const { createRoom, publish, sent, clock } = createScene();
  const [leaving, staying] = [createRoom(), createRoom()];
  const limits = { ...LIMITS, frames_per_second: 10, frames_burst: 1 };
  leaving.begin({ limits }, true);
  staying.begin({ limits }, true);
  const asked = leaving.ask({ type: "presence", id: "a", state: {} }, again);
  publish(staying, "c", "d");
  await rest();
  leaving.end();
  const rejected = assertRejects(() => asked, RoomError, "left");
  leaving.rejectAll(new RoomError("closed", "left"));
  await rejected;
  await clock.pass(1_000);
  assertEquals(sent, [["a"], ["c"], ["d"]]);
  publish(staying, "e", "f");
  await rest();
  assertEquals([sent.length, clock.waiting], [4, 1]);
  staying.end();
  assertEquals(clock.waiting, 0);
});

Deno.test("any rooms, in any order: each frame once, in its room's order, at the rate of one socket", async () => {
  const asks = fc.array(fc.record({ room: fc.nat(4), pass: fc.nat(300) }), { maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(asks, fc.integer({ min: 1, max: 40 }), async (asked, burst) => {
      const { createRoom, publish, sent, clock } = createScene();
      const limits = { ...LIMITS, frames_per_second: 20, frames_burst: burst };
      const rooms = Array.from({ length: 5 }, createRoom);
      for (const room of rooms) room.begin({ limits }, true);
      let passedMs = 0;
      for (const [index, { room, pass }] of asked.entries()) {
        const requests = rooms[room];
        if (requests) publish(requests, `${room}:${index}`);
        await clock.pass(pass);
        passedMs += pass;
        const allowed = Math.max(1, 0.9 * burst) + passedMs * 0.018;
        if (sent.flat().length > allowed + 1e-6) throw new Error(`${sent.flat().length} of ${allowed}`);
      }
      await clock.pass(60_000);
      for (const room of rooms.keys()) {
        const own = (id: string) => id.startsWith(`${room}:`);
        const expected = [...asked.entries()].filter(([, ask]) => ask.room === room).map(([index]) =>
          `${room}:${index}`
        );
        assertEquals(sent.flat().filter(own), expected);
      }
      assertEquals(clock.waiting, 0);
    }),
    { numRuns: 100 },
  );
});
