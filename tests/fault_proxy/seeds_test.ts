import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { ANY_RATE, freshId, publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { drawFaults } from "../support/fault_proxy/draw_faults.ts";
import { FaultProxy } from "../support/fault_proxy/fault_proxy.ts";
import { throughSeeds } from "../support/fault_proxy/through_seeds.ts";

const FAULTY = 5;
/** Number of acks before the next connection. */
const A_FEW = 4;

Deno.test("the same seed gives the same faults, another one others, and they can be printed", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const faults = drawFaults(seed, 10);
    assertEquals(faults, drawFaults(seed, 10));
    assertEquals(faults, JSON.parse(JSON.stringify(faults)));
    assertEquals(faults.slice(0, 5), drawFaults(seed, 5));
    assertNotEquals(faults, drawFaults(seed + 1, 10));
  }
});

Deno.test("a hundred seeds draw every kind of fault", () => {
  const drawn = Array.from({ length: 100 }, (_, seed) => drawFaults(seed, FAULTY)).flat();
  const kinds = {
    early: drawn.some(({ cut }) => cut && !cut.message && cut.bytes < 100),
    late: drawn.some(({ cut }) => cut && !cut.message && cut.bytes > 5_000),
    withinFrame: drawn.some(({ cut }) => cut?.message && cut.bytes > 0),
    lostAck: drawn.some(({ cut }) => cut?.message?.type === "ack"),
    hold: drawn.some(({ hold }) => hold?.then === "cut"),
    tunnel: drawn.some(({ hold }) => hold?.then === "release"),
    refuse: drawn.some(({ refuse }) => refuse),
    delay: drawn.some(({ delayMs }) => delayMs !== undefined),
    fin: drawn.some(({ cutWay }) => cutWay === "fin"),
  };
  assertEquals(Object.entries(kinds).filter(([, isDrawn]) => !isDrawn), []);
});

Deno.test("a scenario that fails says its seed and its faults", async () => {
  const seen: number[] = [];
  const failing = throughSeeds({ seeds: 5, faulty: 1, only: null }, ({ seed }) => {
    seen.push(seed);
    return seed === 3 ? Promise.reject(new Error("not so")) : Promise.resolve();
  });
  const error = await assertRejects(() => failing, Error, "Seed 3 fails (FAULT_SEED=3 runs it alone)");
  assert(error.message.includes(JSON.stringify(drawFaults(3, 1))) && error.message.endsWith(": not so"));
  assertEquals(seen, [1, 2, 3]);
});

Deno.test("whatever twenty seeds break, a client that retries under the same ids has each message stored once", async () => {
  await using running = await startServer({ env: { ...ANY_RATE, MAX_CONNECTIONS_PER_USER: "1000" } });
  await throughSeeds({ seeds: 20, faulty: FAULTY }, async ({ seed, faults }) => {
    const room = `room-${seed}`;
    await using proxy = FaultProxy.start(running.port);
    proxy.next(...faults);
    const address = proxy.url(await roomUrl(running, room));
    const waiting = Array.from({ length: 12 }, () => freshId());
    // The client sends a few messages per connection, and retries the unacked one on the next.
    for (let connections = 0; waiting.length > 0 || proxy.faultsLeft > 0; connections++) {
      assert(connections < FAULTY + 12 / A_FEW, `${waiting.length} messages are not acked yet`);
      await using member = await TcpMember.open(address).catch(() => undefined) ?? null;
      for (const id of member ? waiting.slice(0, A_FEW) : []) {
        const answer = await member?.request({ ...publishFrame(id, { id }) }).catch(() => undefined);
        if (answer?.type !== "ack") break;
        waiting.shift();
      }
    }
    await using judge = await RoomClient.join(running, room, { user: "judge", query: { history: 100 } });
    const stored = (await judge.takeAll()).flatMap((frame) => frame.type === "message" ? [frame.offset] : []);
    assertEquals(stored, Array.from({ length: 12 }, (_, index) => index + 1));
  });
});
