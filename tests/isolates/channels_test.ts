/** Isolates are killed while clients of supabase-js store broadcasts. */
import { assert, assertEquals } from "@std/assert";
import { stockTest } from "../support/channels/stock_test.ts";
import { CHANNEL_ENV } from "../support/channels/channel_server.ts";
import { type BackendKind, onPostgres, onRedis } from "./backends.ts";
import { Deployment } from "./deployment.ts";
import { Disposables } from "./disposables.ts";
import { StockMember } from "./stock_member.ts";

/** Broadcasts that each sender stores between two kills. */
const STORED = 25;

/** Members that a kill concerns. */
interface Scene {
  readonly deployment: Deployment;
  readonly isolate: number;
  /** Senders of the isolate. */
  readonly senders: readonly StockMember[];
  /** A watcher that moves from isolate to isolate, and one that stays. */
  readonly moving: StockMember;
  readonly steady: StockMember;
}

/** Moments of the kills, one each. */
const MOMENTS: readonly ((scene: Scene) => Promise<void>)[] = [
  // Broadcasts are stored, and the isolate never learns it.
  async ({ deployment, isolate, senders, steady }) => {
    // A statement that runs for the first time would wait for an answer before it is sent.
    await deployment.backend.untilJobsRan();
    deployment.isolate(isolate).proxy.holdAnswers();
    await steady.untilSeesUnacked(senders);
  },
  // Broadcasts are under way in both directions.
  () => Promise.resolve(),
  // A watcher is in the middle of its replay.
  async ({ deployment, isolate, moving }) => {
    moving.moveTo(deployment, isolate);
    await moving.untilReplaying();
  },
];
/** Isolates that are killed one after the other. The last one stays. */
const KILLED = MOMENTS.length;

for (const kind of [onPostgres, onRedis]) {
  stockTestOn(kind, "no acked broadcast is lost, doubled or out of order", async (deployment) => {
    await using members = new Disposables();
    const since = Date.now() - 1_000;
    const join = async (user: string, isolate: number) => {
      return members.use(await StockMember.join(deployment, { user, isolate, since }));
    };
    const senders = [await join("alice", 0), await join("bob", 0), await join("carol", KILLED)];
    const moving = await join("dave", 0);
    const steady = await join("erin", KILLED);
    const watchers = [moving, steady];
    for (const sender of senders) sender.startSending();
    for (const [isolate, untilMoment] of MOMENTS.entries()) {
      for (const sender of senders) await sender.untilAcked(sender.acked.length + STORED);
      await untilMoment({
        deployment,
        isolate,
        senders: senders.filter((sender) => sender.isolate === isolate),
        moving,
        steady,
      });
      await deployment.kill(isolate);
      for (const member of [...senders, ...watchers]) {
        if (member.isolate === isolate) member.moveTo(deployment, isolate + 1);
      }
    }
    for (const sender of senders) await sender.untilAcked(sender.acked.length + STORED);
    for (const sender of senders) await sender.stopSending();
    const acked = senders.flatMap((sender) => sender.acked);
    // Somebody who comes last gets everything from the history.
    const late = await join("late", KILLED);
    for (const member of [...watchers, late]) await member.untilSeen(acked);

    const order = late.deduplicated();
    assertEquals(new Set(order.map(({ text }) => text)).size, order.length, "a broadcast was stored twice");
    for (const sender of senders) {
      const own = order.map(({ text }) => text).filter((text) => sender.acked.includes(text));
      assertEquals(own, sender.acked, "the order of one sender");
    }
    for (const watcher of watchers) {
      assertEquals(watcher.deduplicated(), order);
      for (const received of watcher.subscriptions) {
        const offsets = received.map(({ offset }) => offset);
        assertEquals(offsets, [...new Set(offsets)].toSorted((one, other) => one - other));
      }
    }
    assert(moving.subscriptions.length > KILLED, "the watcher subscribed again after every kill");
  });
}

function stockTestOn(
  kind: BackendKind,
  statement: string,
  run: (deployment: Deployment) => Promise<void>,
): void {
  if (kind.isMissing) return;
  stockTest(`killed isolates on ${kind.name}, stock clients: ${statement}`, async () => {
    const environments = Array.from({ length: KILLED + 1 }, () => CHANNEL_ENV);
    await using deployment = await Deployment.start(kind, environments);
    await run(deployment);
  });
}
