/** Several rooms on one socket behind a network that cuts, holds and slows at any byte. */
import { assert, assertEquals } from "@std/assert";
import { createConnection } from "../../../packages/client/mod.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import { type SeededRun, throughSeeds } from "../../support/fault_proxy/through_seeds.ts";
import { drawFaults } from "../../support/fault_proxy/draw_faults.ts";
import { SeededRandom } from "../../../tools/support/seeded_random.ts";
import { ANY_RATE, RoomClient } from "../../support/room_client.ts";
import type { RunningServer } from "../../support/running_server.ts";
import { assertDelivered, assertPresent, assertStored } from "./delivery_account.ts";
import { ABORTS_HANDSHAKES } from "./delivery_run.ts";
import { FollowedRoom, quick } from "./followed_room.ts";
import { startStoppable } from "./stoppable_service.ts";

const FAULTY = 5;
const ROUNDS = 9;
const ROOMS = 3;
const MOST_FILLER = 1_000;

/** A room with both members, and what they have published. */
interface Delivery {
  readonly alice: FollowedRoom;
  readonly bob: RoomClient;
  readonly own: Promise<number>[];
  others: number;
}

async function deliver(running: RunningServer, { seed, faults }: SeededRun): Promise<number> {
  const random = new SeededRandom(seed);
  await using proxy = FaultProxy.start(running.port);
  proxy.next(...faults);
  proxy.nextHttp(...drawFaults(-seed, faults.length));
  const isPatient = !ABORTS_HANDSHAKES || random.below(2) === 0;
  await using connection = createConnection(proxy.url("/realtime"), {
    ...quick(running, "alice"),
    timeouts: { connectMs: isPatient ? 1_000 : 100, probeMs: 300 },
    retry: { minMs: 2, maxMs: 10 },
  });
  const deliveries: Delivery[] = [];
  for (let index = 0; index < ROOMS; index++) {
    const name = `room-${seed}-${index}`;
    const bob = await RoomClient.join(running, name, { user: "bob" });
    const alice = FollowedRoom.open(connection.createRoom(name));
    deliveries.push({ alice, bob, own: [], others: 0 });
  }
  const [closing, ...staying] = deliveries;
  assert(closing);
  const entered = staying.map(({ alice }) => alice.room.presence.enter({ mood: "steady" }));
  for (let round = 1; round <= ROUNDS || proxy.faultsLeft > 0; round++) {
    for (const delivery of deliveries) await publish(delivery, random);
    if (random.below(3) === 0) {
      await Promise.all(closing.own);
      const closed = closing.alice.room.close();
      if (random.below(2) === 0) await closed;
      closing.alice.room.open();
      await closed;
    }
    if (round % ROUNDS === 0) proxy.cutAll();
  }
  await Promise.all(entered);
  for (const { alice, bob, own, others } of deliveries) {
    const offsets = await Promise.all(own);
    const { offset: head = 0 } = await bob.publish({ by: "bob", n: others + 1 });
    await alice.until(() => alice.room.position?.offset === head, `the position to be ${head}`);
    const frames = await bob.takeAll();
    assertStored(frames, { alice: offsets, bobs: others + 1 });
    assertDelivered(alice, frames);
    if (alice !== closing.alice) assertPresent(alice, frames, false);
    assertEquals(alice.gaps, []);
    await bob[Symbol.asyncDispose]();
  }
  return proxy.connections.length;
}

async function publish(delivery: Delivery, random: SeededRandom): Promise<void> {
  const { alice, bob, own } = delivery;
  for (let count = random.below(3); count >= 0; count--) {
    const filler = "x".repeat(random.below(MOST_FILLER));
    own.push(alice.room.publish("chat", { by: "alice", n: own.length + 1, filler }));
  }
  for (let count = random.below(2); count > 0; count--) {
    await bob.publish({ by: "bob", n: ++delivery.others });
  }
  // Most rounds begin with acks still on their way.
  await own.at(random.pick([-1, -3, -6]));
}

Deno.test({
  name: "whatever seeds 1 to 20 break, each room of a shared socket has everything once and in order",
  // As in delivery_test.ts.
  sanitizeOps: false,
  async fn() {
    await using running = await startStoppable({ env: { PRESENCE_GRACE_MS: "600000", ...ANY_RATE } });
    let connections = 0;
    await throughSeeds({ seeds: 20, faulty: FAULTY }, async (run) => {
      connections += await deliver(running, run);
    });
    console.log(`${connections} connections`);
  },
});
