/**
 * Offsets, epochs and gaps: the client against a model of a server whose connections break
 * anywhere.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { GapFrame, MessageFrame } from "../../packages/protocol/frames.ts";
import { ReplayPosition } from "../../packages/client/replay_position.ts";
import type { ReplayQuery } from "../../packages/client/room_link.ts";
import { welcomeFrame } from "./machine_world.ts";

function message(offset: number): MessageFrame {
  return {
    type: "message",
    offset,
    event: "chat",
    data: offset,
    from: { user: "bob" },
    id: `m-${offset}`,
    at: 0,
  };
}

/** The room on the server: which offsets it keeps of which history. */
class RoomModel {
  epoch = 1;
  head = 0;
  #first = 1;

  publish(count: number): void {
    this.head += count;
  }

  trim(count: number): void {
    this.#first = Math.min(this.head + 1, this.#first + count);
  }

  lose(): void {
    this.epoch++;
    this.head = 0;
    this.#first = 1;
  }

  /** Returns the replay of a new connection: docs/protocol.md, sections 4 and 6. */
  replay(query: ReplayQuery): (GapFrame | MessageFrame)[] {
    const { epoch } = this;
    const frames: (GapFrame | MessageFrame)[] = [];
    let after = this.head - (query.history ?? 0);
    if (query.after !== undefined) {
      after = query.after;
      if (query.epoch !== `e-${epoch}`) {
        frames.push({ type: "gap", from: after + 1, to: null, epoch: `${query.epoch}` });
        after = 0;
      } else if (after + 1 < this.#first) {
        frames.push({ type: "gap", from: after + 1, to: this.#first - 1, epoch: `e-${epoch}` });
      }
    }
    for (let offset = Math.max(after + 1, this.#first); offset <= this.head; offset++) {
      frames.push(message(offset));
    }
    return frames;
  }
}

/** A client: what it was told, and up to where. */
class ClientModel {
  readonly replay: ReplayPosition;
  /** By epoch: offsets that were handed on, and those that a gap accounted for. */
  readonly had = new Map<number, number[]>();
  readonly missing = new Map<number, Set<number>>();
  readonly beganAt: { epoch: number; offset: number }[] = [];

  constructor(history: number) {
    this.replay = new ReplayPosition(null, history);
  }

  /** Connects, and is sent so many frames before the connection breaks. */
  connect(room: RoomModel, frames: number): void {
    const sent = room.replay(this.replay.query("c-0"));
    this.replay.welcome(welcomeFrame({ epoch: `e-${room.epoch}`, offset: room.head }));
    if (this.beganAt.length === 0) this.beganAt.push({ epoch: room.epoch, offset: room.head });
    for (const frame of sent.slice(0, frames)) this.take(room.epoch, frame);
  }

  take(epoch: number, frame: GapFrame | MessageFrame): void {
    if (frame.type === "message") {
      assertEquals(this.replay.take(frame), "new");
      this.had.set(epoch, [...this.had.get(epoch) ?? [], frame.offset ?? 0]);
    } else if (this.replay.skip(frame) && frame.to !== null) {
      const missing = this.missing.get(epoch) ?? new Set();
      for (let offset = frame.from; offset <= frame.to; offset++) missing.add(offset);
      this.missing.set(epoch, missing);
    }
  }
}

const steps = fc.oneof(
  fc.record({ type: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ type: fc.constant("trim" as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ type: fc.constant("lose" as const), count: fc.constant(0) }),
  fc.record({ type: fc.constant("connect" as const), count: fc.integer({ min: 0, max: 12 }) }),
);

Deno.test("whatever breaks where, each message is had once and in order, or a gap accounts for it", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), fc.integer({ min: 0, max: 5 }), (sequence, history) => {
      const room = new RoomModel();
      const client = new ClientModel(history);
      for (const { type, count } of sequence) {
        if (type === "connect") client.connect(room, count);
        else room[type](count);
      }
      client.connect(room, Infinity);
      assert(client.replay.isCaughtUp);
      room.publish(1);
      client.take(room.epoch, message(room.head));
      assertEquals(client.replay.position, { epoch: `e-${room.epoch}`, offset: room.head });
      const [began] = client.beganAt;
      for (const [epoch, offsets] of client.had) {
        const inOrder = [...new Set(offsets)].sort((one, other) => one - other);
        assertEquals(offsets, inOrder, `epoch ${epoch} came twice or out of order`);
      }
      const had = new Set(client.had.get(room.epoch));
      const missing = client.missing.get(room.epoch) ?? new Set();
      const promisedFrom = began?.epoch === room.epoch ? began.offset + 1 : room.head + 1;
      for (let offset = promisedFrom; offset <= room.head; offset++) {
        assert(had.has(offset) !== missing.has(offset), `${offset} was not had, and no gap says so`);
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("what comes again is not handed on again", () => {
  const replay = new ReplayPosition(null, 0);
  replay.welcome(welcomeFrame({ offset: 3 }));
  assertEquals(replay.take(message(4)), "new");
  assertEquals(replay.take(message(4)), "repeated");
  assertEquals(replay.take(message(3)), "repeated");
  assertEquals(replay.take(message(5)), "new");
});

Deno.test("a message whose predecessor did not come is a gap, and the position stays before it", () => {
  const replay = new ReplayPosition(null, 0);
  replay.welcome(welcomeFrame({ offset: 3 }));
  assertEquals(replay.take(message(5)), "gap");
  assertEquals(replay.position, { epoch: "e-1", offset: 3 });
});

Deno.test("an ephemeral message is new and changes nothing", () => {
  const replay = new ReplayPosition(null, 0);
  replay.welcome(welcomeFrame({ offset: 3 }));
  const { offset: _, ...ephemeral } = message(1);
  assertEquals(replay.take(ephemeral), "new");
  assertEquals(replay.position?.offset, 3);
});

Deno.test("a connection that breaks within its history goes on within it, and what was older is no loss", () => {
  const replay = new ReplayPosition(null, 50);
  assertEquals(replay.query(null), { history: 50 });
  replay.welcome(welcomeFrame({ offset: 100 }));
  replay.take(message(51));
  assertEquals(replay.query("c-1"), { after: 51, epoch: "e-1", connection: "c-1" });
  replay.welcome(welcomeFrame({ offset: 102 }));
  assertEquals(replay.skip({ type: "gap", from: 52, to: 90, epoch: "e-1" }), false);
  assertEquals(replay.take(message(91)), "new");
});

Deno.test("a server whose history is shorter than ours was says what is lost, and goes on from its head", () => {
  const replay = new ReplayPosition({ epoch: "e-1", offset: 9 }, 0);
  assertEquals(replay.welcome(welcomeFrame({ offset: 4 })), true);
  assertEquals(replay.skip({ type: "gap", from: 5, to: 9, epoch: "e-1" }), true);
  assertEquals(replay.position, { epoch: "e-1", offset: 4 });
  assertEquals(replay.take(message(5)), "new");
});

Deno.test("until the replay is through, a resumed connection is not caught up", () => {
  const replay = new ReplayPosition({ epoch: "e-1", offset: 1 }, 0);
  replay.welcome(welcomeFrame({ offset: 3 }));
  assertEquals(replay.isCaughtUp, false);
  replay.take(message(2));
  assertEquals(replay.isCaughtUp, false);
  replay.skip({ type: "gap", from: 3, to: 3, epoch: "e-1" });
  assertEquals(replay.isCaughtUp, true);
});

Deno.test("an own message that does not come counts once everything before it has come", () => {
  const replay = new ReplayPosition(null, 0);
  replay.welcome(welcomeFrame({ offset: 3 }));
  for (const offset of [6, 5, 8]) replay.exclude(offset);
  assertEquals(replay.position?.offset, 3);
  assertEquals(replay.take(message(4)), "new");
  assertEquals(replay.position?.offset, 6);
  replay.exclude(7);
  assertEquals(replay.position?.offset, 8);
  assertEquals(replay.take(message(9)), "new");
  replay.exclude(9);
  replay.exclude(2);
  assertEquals(replay.take(message(11)), "gap");
  assertEquals(replay.position, { epoch: "e-1", offset: 9 });
});

Deno.test("a resume brings own messages too, so early acks of the connection before do not count", () => {
  const replay = new ReplayPosition(null, 0);
  replay.welcome(welcomeFrame({ offset: 3 }));
  replay.exclude(5);
  replay.welcome(welcomeFrame({ offset: 5 }));
  assertEquals(replay.take(message(4)), "new");
  assertEquals(replay.isCaughtUp, false);
  assertEquals(replay.take(message(5)), "new");
});

Deno.test("where no earlier message is retained, an own message that does not come counts at once", () => {
  const replay = new ReplayPosition(null, 5);
  replay.welcome(welcomeFrame({ offset: 100 }));
  replay.exclude(101);
  assertEquals(replay.position?.offset, 101);
});

Deno.test("in any order of acks and messages the position is where everything before has come", () => {
  const arrivals = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }).chain((kinds) =>
    fc.record({
      kinds: fc.constant(kinds),
      // How many frames an ack overtakes; messages keep their order.
      early: fc.array(fc.nat({ max: 6 }), { minLength: kinds.length, maxLength: kinds.length }),
    })
  );
  fc.assert(fc.property(arrivals, ({ kinds, early }) => {
    const replay = new ReplayPosition(null, 0);
    replay.welcome(welcomeFrame({ offset: 0 }));
    const frames = kinds.map((isOwn, index) => ({
      isOwn,
      offset: index + 1,
      at: isOwn ? index - (early[index] ?? 0) - 0.5 : index,
    })).sort((one, other) => one.at - other.at);
    const had = new Set<number>();
    for (const { isOwn, offset } of frames) {
      if (isOwn) replay.exclude(offset);
      else assertEquals(replay.take(message(offset)), "new");
      had.add(offset);
      let complete = 0;
      while (had.has(complete + 1)) complete++;
      assertEquals(replay.position?.offset, complete);
    }
  }));
});
