/** Cursors, whatever members send and however the connection is. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { Sampler } from "../../../packages/client/cursors/sampler.ts";
import { ManualClock, rest } from "../manual_clock.ts";
import { createCursorScene } from "./cursor_scene.ts";

const INTERVAL_MS = 100;

const act = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "push" as const, ms: 0 }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 250 }) }),
  },
  fc.record({ do: fc.constantFrom("cut", "connect", "break", "hold", "release"), ms: fc.constant(0) }),
);

Deno.test("the last value is always sent, in order, and no faster than the interval", async () => {
  await fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
    const clock = new ManualClock();
    const sent: { readonly value: number; readonly at: number }[] = [];
    let [isLive, isBroken, pushed] = [true, false, 0];
    let held: PromiseWithResolvers<void> | null = null;
    const sampler = new Sampler<number>({
      clock,
      intervalMs: INTERVAL_MS,
      canSend: () => isLive,
      async send(value) {
        if (isBroken) throw new Error("The connection broke.");
        sent.push({ value, at: clock.now() });
        await held?.promise;
      },
    });
    const connect = async () => {
      [isLive, isBroken] = [true, false];
      held?.resolve();
      held = null;
      await sampler.flush();
    };
    for (const { do: what, ms } of acts) {
      if (what === "push") sampler.push(++pushed);
      else if (what === "cut") isLive = false;
      else if (what === "break") isBroken = true;
      else if (what === "hold") held ??= Promise.withResolvers();
      else if (what === "release" || what === "connect") void connect();
      await clock.pass(ms);
    }
    void connect();
    await rest();
    await clock.pass(3 * INTERVAL_MS);
    assertEquals(sent.at(-1)?.value ?? 0, pushed);
    sent.forEach(({ value, at }, index) => {
      const before = sent[index - 1];
      if (before) assert(value > before.value && at - before.at >= INTERVAL_MS, JSON.stringify(sent));
    });
    assertEquals(clock.waiting, 0);
  }));
});

/** Data of a member that may be anything, and often is nearly a position. */
const coordinate = fc.oneof(fc.double(), fc.integer(), fc.jsonValue(), fc.constant(undefined));
const data = fc.oneof(
  fc.record({ x: coordinate, y: coordinate }, { requiredKeys: [] }),
  fc.record({ x: fc.double({ noNaN: true }), y: fc.double({ noNaN: true }) }),
  fc.record({ x: fc.integer(), y: fc.integer(), __proto__: fc.constant(null) }),
  fc.jsonValue(),
);

Deno.test("cursors are bounded and finite, and nothing that members send throws", async () => {
  const message = fc.record({
    connection: fc.option(fc.stringMatching(/^[a-h]$/), { nil: undefined }),
    data,
    ms: fc.integer({ min: 0, max: 100 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 25 }), async (messages) => {
      const { cursors, clock, draw, receive } = await createCursorScene({ limit: 3, idleMs: 500 });
      for (const { connection, data, ms } of messages) {
        await receive(connection, data);
        await clock.pass(ms);
        draw();
        assertLessOrEqual(cursors.others.length, 3);
        for (const { x, y } of cursors.others) assert(Number.isFinite(x) && Number.isFinite(y), `${x}, ${y}`);
      }
      await clock.pass(500);
      draw();
      assertEquals(cursors.others, []);
    }),
    { numRuns: 50 },
  );
});
