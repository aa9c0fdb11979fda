import { assertEquals } from "@std/assert";
import type { RoomError } from "../../../packages/client/mod.ts";
import {
  createMemoryBackplane,
  MemoryStore,
} from "../../../packages/server/src/backplane/memory/memory_backplane.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { before, type Faults, lostAck } from "../../support/fault_proxy/faults.ts";
import { RoomClient } from "../../support/room_client.ts";
import { backplaneOf, changeRoomServices, roomDepsOf, storeMessages } from "../../support/room_services.ts";
import type { RunningServer } from "../../support/running_server.ts";
import { ManualClock } from "../manual_clock.ts";
import { FollowedRoom, quick } from "./followed_room.ts";
import { startStoppable } from "./stoppable_service.ts";

const PATH = "/realtime/rooms/r";
const DEDUPE_MS = 300_000;
const KEPT = 5;
/** Longer than a retry is recognized. */
const LONG_MS = 2 * DEDUPE_MS;

/** A service whose backplane has a clock that the test moves. */
async function startTimed(): Promise<
  { readonly running: RunningServer; readonly pass: (ms: number) => void }
> {
  const running = await startStoppable();
  let nowMs = 0;
  const store = new MemoryStore({
    retention: { messages: KEPT, ageMs: 86_400_000, dedupeMs: DEDUPE_MS },
    maxBytes: 1_000_000,
    graceMs: 10_000,
    now: () => nowMs,
    wallNow: () => nowMs,
    id: () => "epoch",
    onDeliverError: (error) => {
      throw error;
    },
  });
  await backplaneOf(running).close();
  const limits = { ...roomDepsOf(running.engine).limits, history_messages: KEPT };
  changeRoomServices(running, { backplane: createMemoryBackplane(store), limits });
  return { running, pass: (ms) => void (nowMs += ms) };
}

/** Lets the time pass for which a room waits. */
async function retry({ room }: FollowedRoom, clock: ManualClock): Promise<void> {
  if (room.state.type === "waiting") await clock.pass(room.state.retryAt - clock.wallNow());
}

interface Outage {
  /** Duration of alice's absence. */
  readonly awayMs: number;
  /** Messages that others publish meanwhile. */
  readonly others: number;
  /** Faults of her next connections. */
  readonly then: readonly Faults[];
}

const OUTAGES: readonly (Outage & { readonly name: string; readonly outcome: string })[] = [
  { name: "soon", awayMs: 1_000, others: 0, then: [], outcome: "1" },
  { name: "soon, when its history is gone", awayMs: 1_000, others: 20, then: [], outcome: "1" },
  {
    name: "too late for the server to know a retry, with the history",
    awayMs: LONG_MS,
    others: 3,
    then: [],
    outcome: "1",
  },
  {
    name: "too late, and its history is gone",
    awayMs: LONG_MS,
    others: 20,
    then: [],
    outcome: "outcome_unknown",
  },
  {
    name: "too late, its history is gone, and the connection is cut when that was told",
    awayMs: LONG_MS,
    others: 20,
    then: [{ cut: before("toClient", { type: "message" }) }],
    outcome: "outcome_unknown",
  },
];

for (const { name, awayMs, others, then, outcome } of OUTAGES) {
  Deno.test(`an ack was lost, and its sender comes back ${name}: ${outcome}, and it is stored once`, async () => {
    const { running, pass } = await startTimed();
    await using _ = running;
    await using proxy = FaultProxy.start(running.port);
    const clock = new ManualClock();
    const options = quick(running, "alice", {
      clock,
      random: () => 0.99,
      retry: { minMs: awayMs, maxMs: awayMs },
    });
    await using bob = await RoomClient.join(running, "r", { user: "bob" });
    proxy.next({ cut: lostAck() }, ...then);
    await using alice = FollowedRoom.connect(proxy.url(PATH), options);
    const said = alice.room.publish("chat", "said");
    const settled = said.then(String, ({ code }: RoomError) => String(code));
    await alice.until(() => alice.waits.length === 1, "the cut");
    pass(awayMs);
    await storeMessages(running, "r", others);
    for (const [index] of [...then, "clean"].entries()) {
      await retry(alice, clock);
      await alice.untilLive(index + 2);
      if (index < then.length) await alice.until(() => alice.waits.length === index + 2, "the next cut");
    }
    assertEquals(await settled, outcome);
    assertEquals(await alice.room.publish("chat", "next"), others + 2);
    const seen = (await bob.takeAll()).filter((frame) => frame.type === "message");
    assertEquals(seen.filter(({ data }) => data === "said").length, 1);
  });
}
