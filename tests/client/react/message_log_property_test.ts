/** A list of messages, whatever happens to it. */
import { assertEquals } from "@std/assert";
import { delay } from "@std/async";
import fc from "fast-check";
import { RoomError } from "../../../packages/client/mod.ts";
import { type LoggedMessages, MessageLog } from "../../../packages/client/react/message_log.ts";
import type { RoomMessage } from "../../../packages/client/mod.ts";
import { type Numbers, ScriptedRoom } from "./scripted_room.ts";

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("come" as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
  fc.record({ do: fc.constantFrom("listen", "end", "older", "settle", "hold", "release", "refuse") }),
  fc.record({ do: fc.constant("keep" as const), last: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ do: fc.constant("miss" as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant("limit" as const), limit: fc.integer({ min: 1, max: 15 }) }),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** Promises that have all they wait for are through after that. */
const settle = () => delay(0);

/** A log of a room, to which a run of acts happens. */
class LogRun {
  readonly room = new ScriptedRoom();
  readonly log = new MessageLog<Numbers>(this.room, {
    isWanted: ({ event, offset }) => event === "number" && offset !== undefined,
    limit: 10,
  });
  #end: (() => void) | null = null;
  #release: (() => void) | null = null;

  async do(act: Act): Promise<void> {
    const { room, log } = this;
    const offset = room.position?.offset ?? 0;
    switch (act.do) {
      case "come":
        for (let count = 0; count < act.count; count++) room.come();
        return;
      case "keep":
        room.keptFrom = Math.max(room.keptFrom, offset - act.last);
        return;
      case "miss":
        return room.miss({ from: offset + 1, to: offset + act.count, epoch: "e1" });
      case "limit":
        return log.limitTo(act.limit);
      case "listen":
        this.#end ??= log.subscribe(() => {});
        return;
      case "end":
        this.#end?.();
        this.#end = null;
        return;
      case "older":
        // Refused, now and then.
        return void log.loadOlder().catch(() => {});
      case "hold":
        this.#release ??= room.hold();
        return;
      case "release":
        this.#release?.();
        this.#release = null;
        return;
      case "refuse":
        room.refusal = room.refusal ? null : new RoomError("forbidden", "No.");
        return;
      default:
        await settle();
    }
  }

  /** Listens, lets everything be answered and one more message come. */
  async finish(): Promise<LoggedMessages<RoomMessage<Numbers>>> {
    await this.do({ do: "release" });
    await this.do({ do: "listen" });
    this.room.come();
    await settle();
    return this.log.snapshot;
  }
}

/**
 * Every message is the next one after that before it, or there is a gap of just what is missing.
 */
function assertUnbroken({ messages, gaps }: LoggedMessages<RoomMessage<Numbers>>): void {
  for (const [index, { offset }] of messages.entries()) {
    const before = messages[index - 1]?.offset;
    if (before === undefined) continue;
    let reached = before;
    for (const { from, to } of gaps.filter((gap) => gap.index === index)) {
      assertEquals(from, reached + 1);
      reached = to ?? 0;
    }
    assertEquals(offset, reached + 1);
  }
}

Deno.test("whatever happens, offsets only grow, and where some are left out there is a gap", async () => {
  const property = fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
    const run = new LogRun();
    for (const act of acts) await run.do(act);
    const seen = await run.finish();
    assertEquals(seen.messages.at(-1)?.offset, run.room.position?.offset);
    assertUnbroken(seen);
  });
  await fc.assert(property, { numRuns: 300 });
});
