/** Presence list: the list and the changes after it add up to the present members. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { applyChange } from "../../packages/server/src/backplane/apply_change.ts";
import type { PresenceChange, PresenceEntry } from "../../packages/server/src/backplane/contract.ts";
import { ServerFrame } from "../../packages/server/src/schemas/server_frames.ts";
import { OutboundQueue } from "../../packages/server/src/rooms/outbound/outbound_queue.ts";
import { ManualScheduler, RecordingRecipient } from "./recipients.ts";
import { PresenceReplica } from "../properties/presence_replica.ts";
import type { FrameOf } from "../support/room_client.ts";

/** A queue with one recipient, and what it gets at each flush. */
class Broadcast {
  readonly #one = new RecordingRecipient({ joinsFrames: false });
  readonly #queue: OutboundQueue<RecordingRecipient>;

  constructor(present: Iterable<PresenceEntry>) {
    const deps = { scheduler: new ManualScheduler(), metrics: { deliveries: 0 }, ephemeralTickMs: 0 };
    this.#queue = new OutboundQueue(present, deps);
    this.#queue.add(this.#one, () => {});
  }

  get listText(): string {
    return this.#queue.presenceText;
  }

  add(change: PresenceChange): void {
    this.#queue.change(change);
  }

  flush(): string[] {
    this.#queue.flush();
    return this.#one.sent.splice(0);
  }
}

function readFrame(text: string): FrameOf<"presence"> {
  const frame = ServerFrame.parse(JSON.parse(text));
  assert(frame.type === "presence");
  return frame;
}

function entry(connection: string, state = "{}"): PresenceEntry {
  return { user: connection.slice(0, 1), connection, state };
}

/** Connections that a frame names, in no order. */
function namesIn({ joined = [], updated = [], left = [] }: FrameOf<"presence">): string[] {
  const previous = updated.flatMap((member) => member.previous ?? []);
  return [...[...joined, ...updated, ...left].map(({ connection }) => connection), ...previous];
}

Deno.test("changes of one flush share a frame, and then the list contains them", () => {
  const broadcast = new Broadcast([entry("a1"), entry("b1")]);
  broadcast.add({ type: "joined", entry: entry("c1", '{"mood":"good"}') });
  broadcast.add({ type: "left", entry: entry("a1") });
  broadcast.add({ type: "joined", entry: entry("d1") });
  broadcast.add({ type: "updated", entry: entry("b2"), previous: "b1" });
  assertEquals(readFrame(broadcast.listText).members?.map(({ connection }) => connection), ["a1", "b1"]);
  assertEquals(broadcast.flush().map((text) => JSON.parse(text)), [{
    type: "presence",
    joined: [{ user: "c", connection: "c1", state: { mood: "good" } }, {
      user: "d",
      connection: "d1",
      state: {},
    }],
    updated: [{ user: "b", connection: "b2", state: {}, previous: "b1" }],
    left: [{ user: "a", connection: "a1" }],
  }]);
  assertEquals(readFrame(broadcast.listText).members?.map(({ connection }) => connection), [
    "c1",
    "d1",
    "b2",
  ]);
  assertEquals(broadcast.flush(), []);
});

Deno.test("a member that enters and leaves within one flush is reported as both, in order", () => {
  const broadcast = new Broadcast([]);
  broadcast.add({ type: "joined", entry: entry("a1") });
  broadcast.add({ type: "joined", entry: entry("b1") });
  broadcast.add({ type: "left", entry: entry("a1") });
  broadcast.add({ type: "joined", entry: entry("a1") });
  const frames = broadcast.flush().map(readFrame);
  assertEquals(frames.map(namesIn), [["a1", "b1"], ["a1"], ["a1"]]);
  assertEquals(frames.map(({ left }) => left?.length ?? 0), [0, 1, 0]);
});

const Step = fc.record({
  do: fc.constantFrom("enter", "update", "leave", "takeOver", "flush", "join"),
  who: fc.nat({ max: 4 }),
});

Deno.test("for any changes and flushes, every list and the changes after it add up to the present members", () => {
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 80 }), (steps) => {
      const present = new Map<string, PresenceEntry>([["z", entry("z")]]);
      const broadcast = new Broadcast(present.values());
      const views: PresenceReplica[] = [];
      const flush = () => {
        for (const frame of broadcast.flush().map(readFrame)) {
          const names = namesIn(frame);
          assertEquals(new Set(names).size, names.length, "a frame names a connection twice");
          for (const view of views) view.apply(frame);
        }
      };
      const change = (one: PresenceChange) => {
        applyChange(present, one, one.entry);
        broadcast.add(one);
      };
      for (const [number, { do: what, who }] of steps.entries()) {
        const fresh = entry(`${"abcde"[who]}${number}`, `{"at":${number}}`);
        const known = [...present.values()][who];
        if (what === "enter") change({ type: "joined", entry: fresh });
        else if (what === "flush") flush();
        else if (what === "join") {
          const view = new PresenceReplica();
          view.apply(readFrame(broadcast.listText));
          views.push(view);
        } else if (!known) continue;
        else if (what === "leave") change({ type: "left", entry: known });
        else if (what === "update") change({ type: "updated", entry: { ...known, state: fresh.state } });
        else change({ type: "updated", entry: { ...fresh, user: known.user }, previous: known.connection });
      }
      flush();
      const last = new PresenceReplica();
      last.apply(readFrame(broadcast.listText));
      const sorted = [...present.values()].sort((a, b) => a.connection < b.connection ? -1 : 1);
      for (const view of [...views, last]) assertEquals(view.present, sorted);
    }),
    { numRuns: 2_000 },
  );
});
