/** docs/protocol.md, rule 14.1: the client's reaction to each close code of a stub server. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RoomError, type RoomErrorCode, type WaitingState } from "../../packages/client/mod.ts";
import { FollowedRoom } from "../client/faults/followed_room.ts";
import { type StandInEnding, StandInServer } from "../client/faults/stand_in_server.ts";
import { ManualClock } from "../client/manual_clock.ts";
import { FaultProxy } from "../support/fault_proxy/fault_proxy.ts";
import { after } from "../support/fault_proxy/faults.ts";

/** Bound of the wait after the first failure, in milliseconds; it doubles at each further one. */
const MIN_MS = 500;
/** Values of the random source, in order. */
const CHANCES = [0, 0.5, 0.999];

interface ClosesFixture {
  readonly client: FollowedRoom;
  readonly clock: ManualClock;
  /** `refresh` argument of each token request. */
  readonly tokenRequests: readonly boolean[];
}

/**
 * Connects a room to a server that ends its first connections in these ways, and then keeps one.
 */
async function withEndings(
  endings: readonly StandInEnding[],
  check: (fixture: ClosesFixture) => Promise<void>,
): Promise<void> {
  await using server = new StandInServer(endings);
  await using proxy = FaultProxy.start(server.port);
  const cut = { cut: after("toClient", { type: "welcome" }) };
  proxy.next(...endings.map(({ code }) => code === 1006 ? cut : {}));
  const clock = new ManualClock();
  const tokenRequests: boolean[] = [];
  let chances = 0;
  await using client = FollowedRoom.connect(proxy.url("/realtime/rooms/r"), {
    token({ refresh }) {
      tokenRequests.push(refresh);
      return "token";
    },
    clock,
    random: () => CHANCES[chances++ % CHANCES.length] ?? 0,
    retry: { minMs: MIN_MS },
  });
  await check({ client, clock, tokenRequests });
}

/** Waits for the `number`-th waiting state of a room. */
async function waitingState(client: FollowedRoom, number: number): Promise<WaitingState> {
  const waits = () => client.states.filter((state) => state.type === "waiting");
  await client.until(() => waits().length >= number, `wait ${number}`);
  const wait = waits()[number - 1];
  assert(wait);
  return wait;
}

Deno.test("14.1 on 1001, 1006, 1011, 1012, 1013 and 4408 the client reconnects with full jitter", async (t) => {
  for (const code of [1001, 1006, 1011, 1012, 1013, 4408]) {
    await t.step(String(code), async () => {
      await withEndings(CHANCES.map(() => ({ code })), async ({ client, clock, tokenRequests }) => {
        for (const [failures, chance] of CHANCES.entries()) {
          const state = await waitingState(client, failures + 1);
          // Deno's client does not report 1006 without a close frame.
          if (code !== 1006) assertEquals(state.reason.closeCode, code);
          const waitMs = Math.floor(chance * MIN_MS * 2 ** failures);
          assertEquals([state.attempt, state.retryAt - clock.wallNow()], [failures + 1, waitMs]);
          if (waitMs > 0) await clock.pass(waitMs - 1);
          assertEquals(client.room.state, state);
          await clock.pass(waitMs > 0 ? 1 : 0);
          assertEquals(client.room.state.type, "connecting");
        }
        await client.untilLive(CHANCES.length + 1);
        assertEquals(tokenRequests, [false, false, false, false]);
      });
    });
  }
});

Deno.test("14.1 on 4401 the client reconnects at once with a fresh token", async () => {
  await withEndings([{ code: 4401 }], async ({ client, tokenRequests }) => {
    await client.untilLive(2);
    assertEquals(tokenRequests, [false, true]);
    assertEquals(client.states.map(({ type }) => type), ["connecting", "live", "connecting", "live"]);
  });
});

Deno.test("14.1 on 1000, 1003, 1008, 1009, 4400 and 4403 the client stops and gives the reason", async (t) => {
  const reasons: readonly (readonly [number, RoomErrorCode])[] = [
    [1000, "ended"],
    [1003, "ended"],
    [1008, "ended"],
    [1009, "too_large"],
    [4400, "ended"],
    [4403, "forbidden"],
  ];
  for (const [closeCode, code] of reasons) {
    await t.step(String(closeCode), async () => {
      await withEndings([{ code: closeCode }], async ({ client, clock, tokenRequests }) => {
        await client.until(() => client.room.state.type === "closed", "the end");
        const [reason] = client.reasons;
        assertEquals([reason?.code, reason?.closeCode], [code, closeCode]);
        assert(reason?.message.includes(`closed with ${closeCode}`), reason?.message);
        assertEquals(await assertRejects(() => client.room.publish("chat", 1), RoomError), reason);
        // No timer, so no further attempt.
        assertEquals([clock.waiting, tokenRequests], [0, [false]]);
      });
    });
  }
});

Deno.test("14.1 after 4429 the client waits for the last error's retry_after_ms", async () => {
  const endings = [{ code: 4429, retryAfterMs: 70_000 }, { code: 4429, retryAfterMs: 1_000 }];
  await withEndings(endings, async ({ client, clock }) => {
    const first = await waitingState(client, 1);
    assertEquals([first.reason.code, first.reason.closeCode], ["rate_limited", 4429]);
    // Jitter adds zero at first, and then half of the second bound.
    assertEquals(first.retryAt - clock.wallNow(), 70_000);
    await clock.pass(69_999);
    assertEquals(client.room.state, first);
    await clock.pass(1);
    const second = await waitingState(client, 2);
    assertEquals(second.retryAt - clock.wallNow(), 1_000 + 0.5 * 2 * MIN_MS);
    await clock.pass(1_500);
    await client.untilLive(3);
  });
});
