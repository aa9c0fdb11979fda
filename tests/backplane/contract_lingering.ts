import { assertEquals } from "@std/assert";
import { byPlace, Listener } from "./listener.ts";
import { assertTold, GRACE_MS, setScene, STATE } from "./presence_scene.ts";
import { entry } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** Connections that are lost, expire, or are taken over. */
export function testLingering(subject: Subject): void {
  worldTest(
    subject,
    "a lost connection stays present through its grace time, and nobody is told",
    async (world) => {
      const scene = await setScene(world);
      await scene.one.linger("r", "alice1", GRACE_MS);
      await world.advance(GRACE_MS - 10_000);
      assertEquals(await scene.other.present("r"), [entry("alice1", STATE)]);
      assertEquals((await Listener.open(scene.other, "r")).subscription.present, [entry("alice1", STATE)]);
      await assertTold(scene, []);
    },
  );

  worldTest(subject, "a lost connection leaves after its grace time, once", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await world.advance(GRACE_MS);
    for (const listener of scene.listeners) await listener.untilChanges(1);
    await world.advance(10 * GRACE_MS);
    assertEquals(await scene.other.present("r"), []);
    await assertTold(scene, [{ type: "left", entry: entry("alice1", STATE) }]);
  });

  worldTest(subject, "each connection has its own grace time", async (world) => {
    const scene = await setScene(world);
    await scene.other.enter("r", entry("bob1"));
    await scene.one.linger("r", "alice1", 60_000);
    await scene.other.linger("r", "bob1", 20_000);
    await world.advance(40_000);
    for (const listener of scene.listeners) await listener.untilChanges(2);
    assertEquals(await scene.one.present("r"), [entry("alice1", STATE)]);
    await world.advance(40_000);
    for (const listener of scene.listeners) await listener.untilChanges(3);
    await assertTold(scene, [
      { type: "joined", entry: entry("bob1") },
      { type: "left", entry: entry("bob1") },
      { type: "left", entry: entry("alice1", STATE) },
    ]);
  });

  worldTest(subject, "being lost a second time does not lengthen the grace time", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await world.advance(20_000);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await world.advance(20_000);
    for (const listener of scene.listeners) await listener.untilChanges(1);
    await assertTold(scene, [{ type: "left", entry: entry("alice1", STATE) }]);
  });

  worldTest(subject, "a connection that is not there is lost without consequence", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice2", GRACE_MS);
    await scene.one.linger("elsewhere", "alice1", GRACE_MS);
    await world.advance(2 * GRACE_MS);
    assertEquals(await scene.one.present("r"), [entry("alice1", STATE)]);
    await assertTold(scene, []);
  });

  worldTest(subject, "a lost connection may leave at once", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await scene.one.leave("r", "alice1");
    await world.advance(2 * GRACE_MS);
    await assertTold(scene, [{ type: "left", entry: entry("alice1", STATE) }]);
  });

  worldTest(subject, "a connection that enters again though it was lost stays", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await scene.one.enter("r", entry("alice1", STATE));
    await world.advance(2 * GRACE_MS);
    assertEquals(await scene.other.present("r"), [entry("alice1", STATE)]);
    await assertTold(scene, []);
  });

  worldTest(
    subject,
    "a new connection of the user takes the lingering entry over, in any isolate",
    async (world) => {
      const scene = await setScene(world);
      await scene.one.linger("r", "alice1", GRACE_MS);
      await scene.other.enter("r", entry("alice2", '{"a":2}'));
      await world.advance(2 * GRACE_MS);
      assertEquals(await scene.one.present("r"), [entry("alice2", '{"a":2}')]);
      await assertTold(scene, [{ type: "updated", entry: entry("alice2", '{"a":2}'), previous: "alice1" }]);
    },
  );

  worldTest(subject, "it is told even when the new connection has the same state", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await scene.other.enter("r", entry("alice2", STATE));
    await assertTold(scene, [{ type: "updated", entry: entry("alice2", STATE), previous: "alice1" }]);
  });

  worldTest(subject, "a new connection takes over one lingering entry, the oldest first", async (world) => {
    const scene = await setScene(world);
    await scene.other.enter("r", entry("alice2"));
    await scene.one.linger("r", "alice1", GRACE_MS);
    await world.advance(1_000);
    await scene.other.linger("r", "alice2", GRACE_MS);
    for (const connection of ["alice3", "alice4", "alice5"]) await scene.one.enter("r", entry(connection));
    await assertTold(scene, [
      { type: "joined", entry: entry("alice2") },
      { type: "updated", entry: entry("alice3"), previous: "alice1" },
      { type: "updated", entry: entry("alice4"), previous: "alice2" },
      { type: "joined", entry: entry("alice5") },
    ]);
  });

  worldTest(
    subject,
    "a connection that has an entry takes none over when its state changes",
    async (world) => {
      const scene = await setScene(world);
      await scene.other.enter("r", entry("alice2"));
      await scene.one.linger("r", "alice1", GRACE_MS);
      await scene.other.enter("r", entry("alice2", STATE));
      assertEquals(byPlace(await scene.one.present("r")), [entry("alice1", STATE), entry("alice2", STATE)]);
      await assertTold(scene, [
        { type: "joined", entry: entry("alice2") },
        { type: "updated", entry: entry("alice2", STATE) },
      ]);
    },
  );

  worldTest(subject, "another user takes nothing over", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await scene.other.enter("r", entry("bob1"));
    await scene.other.resume("r", { user: "carol", connection: "carol1" });
    await world.advance(GRACE_MS);
    for (const listener of scene.listeners) await listener.untilChanges(2);
    await assertTold(scene, [
      { type: "joined", entry: entry("bob1") },
      { type: "left", entry: entry("alice1", STATE) },
    ]);
  });

  worldTest(
    subject,
    "an entry that is not lingering is not taken over by a new connection",
    async (world) => {
      const scene = await setScene(world);
      await scene.other.enter("r", entry("alice2"));
      await scene.other.resume("r", { user: "alice", connection: "alice3" });
      await assertTold(scene, [{ type: "joined", entry: entry("alice2") }]);
    },
  );

  worldTest(
    subject,
    "what was taken over is told of no more when the old connection is lost",
    async (world) => {
      const scene = await setScene(world);
      await scene.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
      await scene.one.linger("r", "alice1", GRACE_MS);
      await scene.one.leave("r", "alice1");
      await world.advance(2 * GRACE_MS);
      assertEquals(await scene.one.present("r"), [entry("alice2", STATE)]);
      await assertTold(scene, [{ type: "updated", entry: entry("alice2", STATE), previous: "alice1" }]);
    },
  );

  worldTest(subject, "an entry that was taken over can linger and be taken over again", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await scene.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
    await world.advance(20_000);
    await scene.other.linger("r", "alice2", GRACE_MS);
    await world.advance(20_000);
    assertEquals(await scene.one.present("r"), [entry("alice2", STATE)]);
    await scene.one.enter("r", entry("alice3", STATE));
    await assertTold(scene, [
      { type: "updated", entry: entry("alice2", STATE), previous: "alice1" },
      { type: "updated", entry: entry("alice3", STATE), previous: "alice2" },
    ]);
  });

  worldTest(subject, "after the grace time a new connection joins anew", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    await world.advance(GRACE_MS);
    await scene.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
    await scene.other.enter("r", entry("alice2"));
    await assertTold(scene, [
      { type: "left", entry: entry("alice1", STATE) },
      { type: "joined", entry: entry("alice2") },
    ]);
  });
}
