/**
 * Property of the outbound queue: each recipient gets exactly its frames, in order. Of ephemeral
 * messages with a key it gets the newest, and replies may overtake ephemeral frames that wait.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { FrameKind } from "../../packages/server/src/rooms/outbound/recipient.ts";
import { roomLabel } from "../../packages/server/src/rooms/outbound/room_label.ts";
import { createQueue, joined, RecordingRecipient } from "./recipients.ts";

/** Every kind of recipient. */
const TRAITS = [false, true].flatMap((joinsFrames) =>
  [false, true].flatMap((seesPresence) =>
    [false, true].flatMap((isSlow) =>
      // Two endpoints of one name may be mounted at two paths, so labels may differ in one room.
      [undefined, "x/1", "y/1"].map((room) => ({ joinsFrames, seesPresence, isSlow, room }))
    )
  )
);

const Kind = fc.constantFrom<FrameKind>("message", "ephemeral", "presence");
const Key = fc.constantFrom(undefined, "a", "b");
const UnicastKind = fc.constantFrom<"ephemeral" | "reply">("ephemeral", "reply");
const RecipientIndex = fc.nat({ max: TRAITS.length - 1 });

const Step = fc.oneof(
  { weight: 7, arbitrary: fc.record({ do: fc.constant("toAll"), kind: Kind, key: Key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("toAll"), kind: Kind, isLong: fc.constant(true) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("toOthers"), kind: Kind, key: Key, who: RecipientIndex }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("toOne"), unicast: UnicastKind, who: RecipientIndex }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("add", "delete"), who: RecipientIndex }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("flush", "settleTick", "settleAll", "pass") }) },
);
type Step = {
  readonly do: string;
  readonly kind?: FrameKind;
  readonly unicast?: "ephemeral" | "reply";
  readonly key?: string | undefined;
  readonly isLong?: boolean;
  readonly who?: number;
};

/** A frame that a recipient should get. */
interface Expected {
  readonly frame: string;
  readonly kind: FrameKind;
  readonly key?: string | undefined;
}

/** Recipient with its state and its expected frames. */
class Model {
  readonly recipient: RecordingRecipient;
  readonly #room: string | undefined;
  isAdded = false;
  #expected: Expected[] = [];

  constructor({ room, ...traits }: (typeof TRAITS)[number]) {
    this.#room = room;
    const label = room === undefined ? undefined : roomLabel(room);
    this.recipient = new RecordingRecipient({ ...traits, label });
  }

  expect(frame: Expected): void {
    if (frame.kind === "presence" && !this.recipient.seesPresence) return;
    if (frame.kind === "ephemeral" && this.recipient.isSlow) return;
    this.#expected.push(frame);
  }

  /** Drops pending frames of a deleted recipient; checks the frames that it has received. */
  delete(): void {
    const received = this.#received();
    this.#checkOrder(received);
    this.#expected = this.#expected.filter(({ frame }) => received.includes(frame));
    this.isAdded = false;
  }

  /** Checks that everything came, but for messages with a key that a newer one stands for. */
  check(): void {
    const received = this.#received();
    this.#checkOrder(received);
    const got = new Set(received);
    assertEquals(got.size, received.length, "a frame came twice");
    for (const [index, { frame, key }] of this.#expected.entries()) {
      const newer = this.#expected.slice(index + 1).some((later) => key !== undefined && later.key === key);
      assert(got.has(frame) || newer, `${frame} did not come`);
    }
    const { joinsFrames, sent } = this.recipient;
    for (const text of sent) {
      const value: unknown = JSON.parse(text);
      assert(!Array.isArray(value) || joinsFrames && value.length > 1, `${text} is an array`);
    }
  }

  #received(): string[] {
    return this.recipient.frames.flatMap((frame) => namesIn(frame, this.#room));
  }

  /** Checks the order, apart from that between replies and ephemeral messages. */
  #checkOrder(received: readonly string[]): void {
    const kinds = new Map(this.#expected.map(({ frame, kind }) => [frame, kind]));
    for (const other of ["reply", "ephemeral"]) {
      const got = received.filter((frame) => kinds.get(frame) !== other);
      const order = this.#expected.map(({ frame }) => frame).filter((frame) => got.includes(frame));
      assertEquals(got, order);
    }
  }
}

/** Names of the frames in a frame: a presence frame may have several changes. */
function namesIn(value: unknown, room: string | undefined): string[] {
  const frame = value as { room?: string; frame?: string; joined?: { connection: string }[] };
  assertEquals(frame.room, room);
  return frame.joined?.map(({ connection }) => connection) ?? [String(frame.frame)];
}

/** Runs steps on a queue with a tick; `others` are further recipients. */
function run(steps: readonly Step[], tickMs: number, others = 0): void {
  const { scheduler, queue } = createQueue(
    Array.from({ length: others }, () => new RecordingRecipient()),
    tickMs,
  );
  const models = TRAITS.map((traits) => new Model(traits));
  for (
    const [number, { do: what, kind = "message", unicast = "reply", key, isLong, who = 0 }] of steps.entries()
  ) {
    const frame = isLong ? `${number}${"a".repeat(40_000)}` : String(number);
    const text = JSON.stringify({ frame });
    const model = models[who];
    assert(model);
    const except = what === "toOthers" && kind !== "presence" ? model : undefined;
    if (what === "toAll" || what === "toOthers") {
      const sent = kind === "ephemeral" ? { frame, kind, key } : { frame, kind };
      for (const one of models) if (one.isAdded && one !== except) one.expect(sent);
      if (kind === "presence") queue.change(joined(frame));
      else if (kind === "message") queue.message(text, except?.recipient);
      else queue.ephemeral(text, { except: except?.recipient, key });
    } else if (what === "toOne") {
      model.expect({ frame, kind: unicast });
      queue.toOne(model.recipient, text, unicast);
    } else if (what === "add") {
      // Presence changes that are pending may follow, so there are none.
      queue.flush();
      queue.add(model.recipient, () => {});
      model.isAdded = true;
    } else if (what === "delete") {
      queue.delete(model.recipient);
      model.delete();
    } else if (what === "flush") queue.flush();
    else if (what === "settleTick") scheduler.settleTick();
    else if (what === "pass") scheduler.time += 10;
    else scheduler.settleAll();
  }
  scheduler.settleAll();
  for (const model of models) model.check();
}

const ALL = TRAITS.map((_, who) => ({ do: "add", who }));
const Steps = fc.array(Step, { maxLength: 60 });

for (const tickMs of [0, 50]) {
  Deno.test(`with a tick of ${tickMs} ms, for any steps each recipient gets exactly its frames, in order`, () => {
    fc.assert(fc.property(Steps, (steps) => run(steps, tickMs)), { numRuns: 2_000 });
  });

  Deno.test(`with a tick of ${tickMs} ms, the same holds among many recipients`, () => {
    fc.assert(fc.property(Steps, (steps) => run(steps, tickMs, 100)), { numRuns: 500 });
  });

  Deno.test(`with a tick of ${tickMs} ms, the same holds after all have been added`, () => {
    fc.assert(fc.property(Steps, (steps) => run([...ALL, ...steps], tickMs)), { numRuns: 2_000 });
  });
}
