import { assertEquals } from "@std/assert";
import { Listener, sortEntries } from "./listener.ts";
import { assertChanges, createPresenceFixture, GRACE_MS, STATE } from "./presence_fixture.ts";
import { entry } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** Tests the disconnect grace period: expiry and takeover of lost connections. */
export function testGracePeriod(subject: Subject): void {
  worldTest(
    subject,
    "a lost connection stays present during its grace period, and no change is delivered",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await fixture.one.linger("r", "alice1", GRACE_MS);
      await world.advance(GRACE_MS - 10_000);
      assertEquals(await fixture.other.present("r"), [entry("alice1", STATE)]);
      assertEquals((await Listener.open(fixture.other, "r")).subscription.present, [entry("alice1", STATE)]);
      await assertChanges(fixture, []);
    },
  );

  worldTest(subject, "a lost connection leaves once, after its grace period", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await world.advance(GRACE_MS);
    for (const listener of fixture.listeners) await listener.untilChanges(1);
    await world.advance(10 * GRACE_MS);
    assertEquals(await fixture.other.present("r"), []);
    await assertChanges(fixture, [{ type: "left", entry: entry("alice1", STATE) }]);
  });

  worldTest(subject, "each connection has its own grace period", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.other.enter("r", entry("bob1"));
    await fixture.one.linger("r", "alice1", 60_000);
    await fixture.other.linger("r", "bob1", 20_000);
    await world.advance(40_000);
    for (const listener of fixture.listeners) await listener.untilChanges(2);
    assertEquals(await fixture.one.present("r"), [entry("alice1", STATE)]);
    await world.advance(40_000);
    for (const listener of fixture.listeners) await listener.untilChanges(3);
    await assertChanges(fixture, [
      { type: "joined", entry: entry("bob1") },
      { type: "left", entry: entry("bob1") },
      { type: "left", entry: entry("alice1", STATE) },
    ]);
  });

  worldTest(subject, "a second loss does not extend the grace period", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await world.advance(20_000);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await world.advance(20_000);
    for (const listener of fixture.listeners) await listener.untilChanges(1);
    await assertChanges(fixture, [{ type: "left", entry: entry("alice1", STATE) }]);
  });

  worldTest(subject, "losing a connection without an entry has no effect", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice2", GRACE_MS);
    await fixture.one.linger("elsewhere", "alice1", GRACE_MS);
    await world.advance(2 * GRACE_MS);
    assertEquals(await fixture.one.present("r"), [entry("alice1", STATE)]);
    await assertChanges(fixture, []);
  });

  worldTest(subject, "a lost connection may leave at once", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await fixture.one.leave("r", "alice1");
    await world.advance(2 * GRACE_MS);
    await assertChanges(fixture, [{ type: "left", entry: entry("alice1", STATE) }]);
  });

  worldTest(subject, "a lost connection that enters again stays", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await fixture.one.enter("r", entry("alice1", STATE));
    await world.advance(2 * GRACE_MS);
    assertEquals(await fixture.other.present("r"), [entry("alice1", STATE)]);
    await assertChanges(fixture, []);
  });

  worldTest(
    subject,
    "a new connection takes over the lost entry of its user, in any isolate",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await fixture.one.linger("r", "alice1", GRACE_MS);
      await fixture.other.enter("r", entry("alice2", '{"a":2}'));
      await world.advance(2 * GRACE_MS);
      assertEquals(await fixture.one.present("r"), [entry("alice2", '{"a":2}')]);
      await assertChanges(fixture, [{
        type: "updated",
        entry: entry("alice2", '{"a":2}'),
        previous: "alice1",
      }]);
    },
  );

  worldTest(
    subject,
    "a takeover is delivered even if the new connection has the same state",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await fixture.one.linger("r", "alice1", GRACE_MS);
      await fixture.other.enter("r", entry("alice2", STATE));
      await assertChanges(fixture, [{ type: "updated", entry: entry("alice2", STATE), previous: "alice1" }]);
    },
  );

  worldTest(subject, "a new connection takes over one lost entry, the oldest first", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.other.enter("r", entry("alice2"));
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await world.advance(1_000);
    await fixture.other.linger("r", "alice2", GRACE_MS);
    for (const connection of ["alice3", "alice4", "alice5"]) await fixture.one.enter("r", entry(connection));
    await assertChanges(fixture, [
      { type: "joined", entry: entry("alice2") },
      { type: "updated", entry: entry("alice3"), previous: "alice1" },
      { type: "updated", entry: entry("alice4"), previous: "alice2" },
      { type: "joined", entry: entry("alice5") },
    ]);
  });

  worldTest(
    subject,
    "a connection with an entry takes over none when its state changes",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await fixture.other.enter("r", entry("alice2"));
      await fixture.one.linger("r", "alice1", GRACE_MS);
      await fixture.other.enter("r", entry("alice2", STATE));
      assertEquals(sortEntries(await fixture.one.present("r")), [
        entry("alice1", STATE),
        entry("alice2", STATE),
      ]);
      await assertChanges(fixture, [
        { type: "joined", entry: entry("alice2") },
        { type: "updated", entry: entry("alice2", STATE) },
      ]);
    },
  );

  worldTest(subject, "a connection of another user takes over nothing", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await fixture.other.enter("r", entry("bob1"));
    await fixture.other.resume("r", { user: "carol", connection: "carol1" });
    await world.advance(GRACE_MS);
    for (const listener of fixture.listeners) await listener.untilChanges(2);
    await assertChanges(fixture, [
      { type: "joined", entry: entry("bob1") },
      { type: "left", entry: entry("alice1", STATE) },
    ]);
  });

  worldTest(
    subject,
    "a new connection does not take over a connected entry",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await fixture.other.enter("r", entry("alice2"));
      await fixture.other.resume("r", { user: "alice", connection: "alice3" });
      await assertChanges(fixture, [{ type: "joined", entry: entry("alice2") }]);
    },
  );

  worldTest(
    subject,
    "the loss of a taken over connection delivers no change",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await fixture.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
      await fixture.one.linger("r", "alice1", GRACE_MS);
      await fixture.one.leave("r", "alice1");
      await world.advance(2 * GRACE_MS);
      assertEquals(await fixture.one.present("r"), [entry("alice2", STATE)]);
      await assertChanges(fixture, [{ type: "updated", entry: entry("alice2", STATE), previous: "alice1" }]);
    },
  );

  worldTest(subject, "a taken over entry can be lost and taken over again", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await fixture.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
    await world.advance(20_000);
    await fixture.other.linger("r", "alice2", GRACE_MS);
    await world.advance(20_000);
    assertEquals(await fixture.one.present("r"), [entry("alice2", STATE)]);
    await fixture.one.enter("r", entry("alice3", STATE));
    await assertChanges(fixture, [
      { type: "updated", entry: entry("alice2", STATE), previous: "alice1" },
      { type: "updated", entry: entry("alice3", STATE), previous: "alice2" },
    ]);
  });

  worldTest(subject, "a new connection after the grace period joins", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    await world.advance(GRACE_MS);
    await fixture.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
    await fixture.other.enter("r", entry("alice2"));
    await assertChanges(fixture, [
      { type: "left", entry: entry("alice1", STATE) },
      { type: "joined", entry: entry("alice2") },
    ]);
  });
}
