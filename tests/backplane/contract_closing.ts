import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { type Backplane, BackplaneUnavailable } from "../../packages/server/src/backplane/contract.ts";
import { Listener, sortEntries } from "./listener.ts";
import { draft, entry, ephemeral } from "./samples.ts";
import { type Subject, type TestWorld, USUAL, worldTest } from "./world.ts";

const { graceMs } = USUAL;

/** All methods but `close`. */
const CALLS: Readonly<Record<Exclude<keyof Backplane, "close">, (isolate: Backplane) => Promise<unknown>>> = {
  publish: (isolate) => isolate.publish("r", [draft("m")]),
  emit: (isolate) => isolate.emit("r", ephemeral("m")),
  subscribe: (isolate) => isolate.subscribe("r", () => {}),
  history: (isolate) => isolate.history("r", { after: 0, limit: 1 }),
  enter: (isolate) => isolate.enter("r", entry("alice1")),
  resume: (isolate) => isolate.resume("r", { user: "alice", connection: "alice1" }),
  leave: (isolate) => isolate.leave("r", "alice1"),
  linger: (isolate) => isolate.linger("r", "alice1", 1_000),
  present: (isolate) => isolate.present("r"),
  put: (isolate) => isolate.put("key", "value", 1_000),
  take: (isolate) => isolate.take("key"),
  ready: (isolate) => isolate.ready(),
};

/** Tests the start and the end of an isolate, by `close` or by death. */
export function testClosing(subject: Subject): void {
  worldTest(subject, "an opened backplane becomes ready", async (world) => {
    await (await world.open()).ready();
  });

  for (const [call, run] of Object.entries(CALLS)) {
    worldTest(subject, `${call} rejects once the backplane is closed`, async (world) => {
      const isolate = await world.open();
      await run(isolate);
      await isolate.close();
      await assertRejects(() => run(isolate), BackplaneUnavailable);
    });
  }

  worldTest(subject, "a publish of no drafts rejects once the backplane is closed", async (world) => {
    const isolate = await world.open();
    await isolate.close();
    await assertRejects(() => isolate.publish("r", []), BackplaneUnavailable);
  });

  worldTest(subject, "closing twice does nothing", async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    await isolate.close();
    await isolate.close();
    await Promise.all([other.close(), other.close()]);
    await (await world.open()).ready();
  });

  worldTest(subject, "closing ends the subscriptions of this isolate only", async (world) => {
    const isolate = await world.open();
    const other = await world.open();
    const closed = [await Listener.open(isolate, "r"), await Listener.open(isolate, "r2")];
    const open = [await Listener.open(other, "r"), await Listener.open(other, "r2")];
    await isolate.close();
    for (const room of ["r", "r2"]) await other.publish(room, [draft("marker")]);
    for (const listener of open) await listener.untilId("marker");
    for (const listener of closed) {
      assertEquals(listener.events, []);
      listener.close();
    }
  });

  worldTest(subject, "stored messages outlive the isolate that stored them", async (world) => {
    const isolate = await world.open();
    await isolate.publish("r", [draft("m")]);
    const { epoch } = await isolate.history("r", { after: 0, limit: 1 });
    const other = await world.open();
    await isolate.close();
    const page = await other.history("r", { after: 0, limit: 10 });
    assertEquals(page.messages.map(({ id }) => id), ["m"]);
    assertEquals(page.epoch, epoch);
    assertEquals(await other.publish("r", [draft("m")]), [{ offset: 1, duplicate: true }]);
  });

  worldTest(subject, "a publish that is pending during close is stored or rejects", async (world) => {
    const other = await world.open();
    const isolate = await world.open();
    const publishing = isolate.publish("r", [draft("m")]).catch((error: unknown) => error);
    await isolate.close();
    const outcome = await publishing;
    const { head } = await other.history("r", { after: 0, limit: 1 });
    if (outcome instanceof Error) assertInstanceOf(outcome, BackplaneUnavailable);
    else assertEquals(head, 1);
    const [retried] = await other.publish("r", [draft("m")]);
    assertEquals(retried, { offset: 1, duplicate: head === 1 });
  });

  endTests(subject, "was closed", (_, isolate) => isolate.close());
  if (subject.canKill) {
    endTests(subject, "died", async (world, isolate) => {
      assert(world.kill, "canKill says that the world can");
      await world.kill(isolate);
    });
  }
}

/** Tests the entries of an isolate that `end` has ended. */
function endTests(
  subject: Subject,
  ended: string,
  end: (world: TestWorld, isolate: Backplane) => Promise<void>,
): void {
  worldTest(
    subject,
    `the entries of an isolate that ${ended} leave once, after the disconnect grace period`,
    async (world) => {
      const isolate = await world.open();
      const other = await world.open();
      await isolate.enter("r", entry("alice1"));
      await isolate.enter("r", entry("bob1"));
      await other.enter("r", entry("carol1"));
      const listener = await Listener.open(other, "r");
      await end(world, isolate);
      assertEquals(sortEntries(await other.present("r")), [entry("alice1"), entry("bob1"), entry("carol1")]);
      await world.advance(graceMs);
      await listener.untilChanges(2);
      assertEquals(await other.present("r"), [entry("carol1")]);
      await world.advance(graceMs);
      await other.enter("r", entry("marker1"));
      await listener.untilJoined("marker1");
      const changes = listener.changes.map(({ type, entry }) => `${entry.connection} ${type}`);
      assertEquals(changes.slice(0, 2).sort(), ["alice1 left", "bob1 left"]);
      assertEquals(changes.slice(2), ["marker1 joined"]);
    },
  );

  worldTest(
    subject,
    `another isolate can take over the entries of an isolate that ${ended}`,
    async (world) => {
      const isolate = await world.open();
      const other = await world.open();
      await isolate.enter("r", entry("alice1", '{"a":1}'));
      await isolate.enter("r", entry("bob1"));
      const listener = await Listener.open(other, "r");
      await end(world, isolate);
      await other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
      await other.enter("r", entry("bob2"));
      await world.advance(2 * graceMs);
      await other.enter("r", entry("marker1"));
      await listener.untilJoined("marker1");
      assertEquals(listener.changes, [
        { type: "updated", entry: entry("alice2", '{"a":1}'), previous: "alice1" },
        { type: "updated", entry: entry("bob2"), previous: "bob1" },
        { type: "joined", entry: entry("marker1") },
      ]);
    },
  );

  worldTest(
    subject,
    `an entry taken over by another isolate stays after the first isolate ${ended}`,
    async (world) => {
      const isolate = await world.open();
      const other = await world.open();
      await isolate.enter("r", entry("alice1"));
      await isolate.enter("r", entry("bob1"));
      await other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
      await isolate.linger("r", "bob1", graceMs);
      await other.enter("r", entry("bob2"));
      const listener = await Listener.open(other, "r");
      await end(world, isolate);
      await world.advance(2 * graceMs);
      await other.enter("r", entry("marker1"));
      await listener.untilJoined("marker1");
      assertEquals(listener.present, [entry("alice2"), entry("bob2"), entry("marker1")]);
      assertEquals(listener.changes.length, 1);
    },
  );
}
