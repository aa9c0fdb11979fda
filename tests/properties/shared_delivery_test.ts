/**
 * docs/protocol.md, section 17: on a socket for many rooms that breaks at any byte, each durable
 * message of each room comes once and in order.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BACKPLANES, startStore } from "../../tools/support/backplane_store.ts";
import { FaultProxy } from "../support/fault_proxy/fault_proxy.ts";
import { ANY_RATE, RoomClient } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { range } from "../protocol/member_frames.ts";
import { SharedFollower } from "./shared_follower.ts";

const ROOMS = ["one", "two", "three"] as const;
const ENV = { ...ANY_RATE, MAX_CONNECTIONS_PER_USER: "1000" };

const room = fc.constantFrom(...ROOMS);
const Step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      isOwn: fc.boolean(),
      room,
      count: fc.integer({ min: 1, max: 4 }),
      filler: fc.nat({ max: 800 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rejoin" as const), room }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("move" as const) }) },
);
type Step = typeof Step extends fc.Arbitrary<infer T> ? T : never;
/** Cuts of the first connections: after so many bytes, heads of HTTP included. */
const Cuts = fc.array(
  fc.record({
    direction: fc.constantFrom("toClient" as const, "toServer" as const),
    bytes: fc.nat({ max: 6_000 }),
  }),
  { maxLength: 4 },
);

type Cuts = typeof Cuts extends fc.Arbitrary<infer T> ? T : never;

/** Runs steps against isolates that share their rooms. */
async function run(
  isolates: readonly RunningServer[],
  name: string,
  steps: readonly Step[],
  cuts: Cuts,
): Promise<void> {
  const [home] = isolates;
  assert(home);
  const nameOf = (room: string) => `${name}-${room}`;
  await using one = await RoomClient.join(home, nameOf("one"), { user: "bob" });
  await using two = await RoomClient.join(home, nameOf("two"), { user: "bob" });
  await using three = await RoomClient.join(home, nameOf("three"), { user: "bob" });
  const bobs = { one, two, three };
  await using proxy = FaultProxy.start(home.port);
  proxy.next(...cuts.map((cut) => ({ cut, cutWay: "fin" as const })));
  const token = await home.issuer.token("alice");
  const url = `ws://127.0.0.1:${proxy.port}/realtime/socket?token=${token}`;
  const alice = new SharedFollower(url, ROOMS.map(nameOf));
  try {
    const own: Record<(typeof ROOMS)[number], string[]> = { one: [], two: [], three: [] };
    let at = 0;
    for (const step of steps) {
      if (step.do === "cut") proxy.cutAll("fin");
      else if (step.do === "rejoin") alice.rejoin(nameOf(step.room));
      else if (step.do === "move") {
        proxy.serverPort = isolates[++at % isolates.length]?.port ?? home.port;
        proxy.cutAll("fin");
      } else {
        const filler = "x".repeat(step.filler);
        for (let count = 0; count < step.count; count++) {
          if (step.isOwn) own[step.room].push(alice.publish(nameOf(step.room), filler));
          else await bobs[step.room].publish(filler);
        }
      }
    }
    for (const room of ROOMS) {
      // The marker may be stored before alice's last messages; `until` waits for their acks.
      const { offset = 0 } = await bobs[room].publish("the last");
      await alice.until(nameOf(room), offset);
    }
    for (const room of ROOMS) {
      const { offset: head = 0 } = await bobs[room].publish("after everything");
      await alice.until(nameOf(room), head);
      const { offsets, ids } = alice.received(nameOf(room));
      assertEquals(offsets, range(1, head));
      const mine = ids.filter((id) => own[room].includes(id));
      assertEquals(mine.toSorted(), own[room].toSorted(), "each of alice's messages is stored once");
    }
  } finally {
    await alice.stop();
  }
}

const inputs = [fc.array(Step, { maxLength: 25 }), Cuts] as const;

Deno.test("17.4 for any cuts and steps each room's messages come once and in order: memory", async () => {
  await using running = await startServer({ env: ENV });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(...inputs, (steps, cuts) => run([running], `run-${runs++}`, steps, cuts)),
    { numRuns: 30 },
  );
});

for (const name of BACKPLANES) {
  Deno.test(`17.4 for any cuts and steps each room's messages come once and in order: two isolates on ${name}`, async () => {
    await using store = await startStore(name);
    const options = { env: { ...ENV, ...store.env, BACKPLANE: name } };
    await using one = await startServer(options);
    await using other = await startServer({ ...options, issuer: one.issuer });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(...inputs, (steps, cuts) => run([one, other], `run-${runs++}`, steps, cuts)),
      { numRuns: 6 },
    );
  });
}
