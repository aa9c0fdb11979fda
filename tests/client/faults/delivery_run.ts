import { assert } from "@std/assert";
import { SeededRandom } from "../../../tools/support/seeded_random.ts";
import { drawFaults } from "../../support/fault_proxy/draw_faults.ts";
import { FaultProxy } from "../../support/fault_proxy/fault_proxy.ts";
import type { SeededRun } from "../../support/fault_proxy/through_seeds.ts";
import { RoomClient } from "../../support/room_client.ts";
import type { RunningServer } from "../../support/running_server.ts";
import { assertDelivered, assertExcluded, assertPresent, assertStored } from "./delivery_account.ts";
import { FollowedRoom, quick } from "./followed_room.ts";

/** Rounds of a run, each with time for a fault. A connection that survives its round is cut. */
const ROUNDS = 9;
/** Characters of a message's filler at most: faults lie up to 20,000 bytes into a connection. */
const MOST_FILLER = 1_500;
/** Longer than any hold. */
const PATIENT_MS = 1_000;
/** Shorter than most. */
const IMPATIENT_MS = 100;
/** Rounds per reconnect of a restless application. */
const RESTLESS_ROUNDS = 3;
/**
 * False on Deno 2.1.4: a socket that was closed before it is open sends a close without a code once
 * it opens, so that its user leaves. If the connection is reset then, it throws an uncatchable
 * error. Deno 2.9.6 aborts the handshake.
 */
export const ABORTS_HANDSHAKES = !Deno.version.deno.startsWith("2.1.");

/** Behaviour of alice's application. */
export interface Application {
  /** Reconnects now and then. */
  readonly isRestless: boolean;
  /** Excludes itself from some of its messages. */
  readonly excludes: boolean;
}

/** Result of a run. */
export interface RunOutcome {
  /** Of the member that had the faults. */
  readonly connections: number;
  readonly gaps: number;
}

/**
 * Lets alice, behind faults, and bob, without any, publish and listen in one room, and compares
 * their frames.
 * @throws {AssertionError} if a message is lost, doubled or out of order
 */
export async function deliver(
  running: RunningServer,
  { seed, faults }: SeededRun,
  { isRestless, excludes }: Application,
): Promise<RunOutcome> {
  const random = new SeededRandom(seed);
  const room = `room-${seed}`;
  await using bob = await RoomClient.join(running, room, { user: "bob" });
  await using proxy = FaultProxy.start(running.port);
  proxy.next(...faults);
  // Finding out why an upgrade was refused goes through the same network.
  proxy.nextHttp(...drawFaults(-seed, faults.length));
  const isPatient = !ABORTS_HANDSHAKES || random.below(2) === 0;
  await using alice = FollowedRoom.connect(
    proxy.url(`/realtime/rooms/${room}`),
    quick(running, "alice", {
      timeouts: { connectMs: isPatient ? PATIENT_MS : IMPATIENT_MS, probeMs: 300 },
      retry: { minMs: 2, maxMs: 10 },
    }),
  );
  const iterated = iterate(alice);
  const entered = alice.room.presence.enter({ mood: "steady" });
  const own: Promise<number>[] = [];
  let others = 0;
  for (let round = 1; round <= ROUNDS || proxy.faultsLeft > 0; round++) {
    for (let count = random.below(4); count >= 0; count--) {
      const filler = "x".repeat(random.below(MOST_FILLER));
      const isHidden = excludes && random.below(2) === 0;
      const data = { by: "alice", n: own.length + 1, filler, isHidden };
      own.push(alice.room.publish("chat", data, isHidden ? { exclude: "self" } : {}));
    }
    for (let count = random.below(3); count > 0; count--) await bob.publish({ by: "bob", n: ++others });
    if (isRestless && random.below(RESTLESS_ROUNDS) === 0) alice.room.reconnect();
    // Most rounds begin with acks still on their way.
    await own.at(random.pick([-1, -3, -6]));
    if (round % ROUNDS === 0) proxy.cutAll();
  }
  const offsets = await Promise.all(own);
  await entered;
  const { offset: head = 0 } = await bob.publish({ by: "bob", n: ++others });
  await alice.until(() => alice.room.position?.offset === head, `the position to be ${head}`);
  const frames = await bob.takeAll();
  assertStored(frames, { alice: offsets, bobs: others });
  assertDelivered(alice, frames);
  assertExcluded(alice);
  // With delayed events, alice and bob need not see the same presence at one moment.
  if (!excludes) assertPresent(alice, frames, isRestless);
  await alice.room.close();
  assert((await iterated).join() === alice.offsets.join(), `iteration brought ${await iterated}`);
  return { connections: proxy.connections.length, gaps: alice.gaps.length };
}

async function iterate({ room }: FollowedRoom): Promise<(number | undefined)[]> {
  const offsets: (number | undefined)[] = [];
  for await (const { offset } of room) offsets.push(offset);
  return offsets;
}
