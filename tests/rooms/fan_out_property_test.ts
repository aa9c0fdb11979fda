/** Property of the fan-out: each recipient gets exactly its frames, in order. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FanOut, type FrameKind } from "../../packages/server/src/rooms/outbound/fan_out.ts";
import { roomLabel } from "../../packages/server/src/rooms/outbound/room_label.ts";
import { ManualScheduler, RecordingRecipient } from "./recipients.ts";

/** Every kind of recipient. */
const TRAITS = [false, true].flatMap((joinsFrames) =>
  [false, true].flatMap((seesPresence) =>
    [false, true].flatMap((isSlow) =>
      // Two endpoints of one name may be mounted at two paths, so labels may differ in one room.
      [undefined, "x/1", "y/1"].map((room) => ({ joinsFrames, seesPresence, isSlow, room }))
    )
  )
);

const Kind = fc.constantFrom<FrameKind>("message", "ephemeral", "presence", "reply");
const RecipientIndex = fc.nat({ max: TRAITS.length - 1 });

const Step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("toAll"), kind: Kind, isLong: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("toAll"), kind: Kind, isLong: fc.constant(true) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("toOthers"), kind: Kind, who: RecipientIndex }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("toOne"), kind: Kind, who: RecipientIndex }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("add", "delete"), who: RecipientIndex }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("flush", "tickSettled") }) },
);
type Step = {
  readonly do: string;
  readonly kind?: FrameKind;
  readonly isLong?: boolean;
  readonly who?: number;
};

/** Recipient with its state and its expected frames. */
class Model {
  readonly recipient: RecordingRecipient;
  readonly #room: string | undefined;
  isAdded = false;
  expected: unknown[] = [];

  constructor({ room, ...traits }: (typeof TRAITS)[number]) {
    this.#room = room;
    const label = room === undefined ? undefined : roomLabel(room);
    this.recipient = new RecordingRecipient({ ...traits, label });
  }

  expect(frame: unknown, kind: FrameKind): void {
    if (kind === "presence" && !this.recipient.seesPresence) return;
    if (kind === "ephemeral" && this.recipient.isSlow) return;
    this.expected.push(this.#room === undefined ? { frame } : { room: this.#room, frame });
  }

  /** Drops pending frames of a deleted recipient; checks the frames that it has received. */
  delete(): void {
    const { frames } = this.recipient;
    assertEquals(frames, this.expected.slice(0, frames.length));
    this.expected = frames;
    this.isAdded = false;
  }
}

/** Runs steps on a fan-out; `others` are further recipients. */
function run(steps: readonly Step[], others = 0): void {
  const scheduler = new ManualScheduler();
  const fanOut = new FanOut<RecordingRecipient>(scheduler);
  for (let count = 0; count < others; count++) fanOut.add(new RecordingRecipient());
  const models = TRAITS.map((traits) => new Model(traits));
  for (const [number, { do: what, kind = "message", who = 0, isLong = false }] of steps.entries()) {
    const frame = isLong ? [number, "a".repeat(40_000)].join() : number;
    const text = JSON.stringify({ frame });
    const model = models[who];
    assert(model);
    if (what === "toAll") {
      for (const one of models) if (one.isAdded) one.expect(frame, kind);
      fanOut.toAll(text, kind);
    } else if (what === "toOthers") {
      for (const one of models) if (one.isAdded && one !== model) one.expect(frame, kind);
      fanOut.toAll(text, kind, model.recipient);
    } else if (what === "toOne") {
      model.expect(frame, kind);
      fanOut.toOne(model.recipient, text, kind);
    } else if (what === "add") {
      fanOut.add(model.recipient);
      model.isAdded = true;
    } else if (what === "delete") {
      fanOut.delete(model.recipient);
      model.delete();
    } else if (what === "flush") fanOut.flush();
    else scheduler.settleAll();
  }
  scheduler.settleAll();
  for (const { recipient, expected } of models) {
    assertEquals(recipient.frames, expected);
    if (!recipient.joinsFrames) assertEquals(recipient.sent.length, expected.length);
    for (const text of recipient.sent) {
      const value: unknown = JSON.parse(text);
      assert(!Array.isArray(value) || value.length > 1, `${text} is an array of fewer than two frames`);
    }
  }
}

Deno.test("for any steps each recipient gets exactly its frames, in order", () => {
  fc.assert(fc.property(fc.array(Step, { maxLength: 60 }), (steps) => run(steps)), { numRuns: 3_000 });
});

Deno.test("for any steps among many recipients each gets exactly its frames, in order", () => {
  fc.assert(fc.property(fc.array(Step, { maxLength: 60 }), (steps) => run(steps, 100)), { numRuns: 500 });
});

Deno.test("for any steps after all have been added, each recipient gets exactly its frames, in order", () => {
  const all = TRAITS.map((_, who) => ({ do: "add", who }));
  fc.assert(fc.property(fc.array(Step, { maxLength: 60 }), (steps) => run([...all, ...steps])), {
    numRuns: 3_000,
  });
});
