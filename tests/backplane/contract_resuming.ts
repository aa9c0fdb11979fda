import { assertEquals } from "@std/assert";
import type { Resumption } from "../../packages/server/src/backplane/contract.ts";
import { byPlace } from "./listener.ts";
import { assertTold, GRACE_MS, setScene, STATE } from "./presence_scene.ts";
import { entry } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** A connection that goes on where another one was. */
export function testResuming(subject: Subject): void {
  /** Asserts what a resumption does where alice1 lingers, or does not, and bob1 lingers. */
  function resumeTest(
    statement: string,
    resumption: Resumption,
    takesOver: "lingering" | "live" | "nothing",
  ): void {
    worldTest(subject, statement, async (world) => {
      const scene = await setScene(world);
      const { one, other } = scene;
      await one.enter("r", entry("bob1"));
      await one.linger("r", "bob1", GRACE_MS);
      if (takesOver !== "live") await one.linger("r", "alice1", GRACE_MS);
      await other.resume("r", resumption);
      const { user, connection } = resumption;
      const resumed = { user, connection, state: STATE };
      const joined = { type: "joined" as const, entry: entry("bob1") };
      if (takesOver === "nothing") return await assertTold(scene, [joined]);
      await assertTold(scene, [joined, { type: "updated", entry: resumed, previous: "alice1" }]);
      assertEquals(byPlace(await one.present("r")), [resumed, entry("bob1")]);
    });
  }

  resumeTest(
    "who resumes takes over the lingering entry of the connection that is named",
    { user: "alice", connection: "alice2", previous: "alice1" },
    "lingering",
  );
  resumeTest(
    "who resumes takes over the entry of the connection that is named before its loss was noticed",
    { user: "alice", connection: "alice2", previous: "alice1" },
    "live",
  );
  resumeTest(
    "who resumes without naming a connection takes over the user's lingering entry",
    { user: "alice", connection: "alice2" },
    "lingering",
  );
  resumeTest(
    "who resumes where another user was takes nothing over",
    { user: "alice", connection: "alice2", previous: "bob1" },
    "nothing",
  );
  resumeTest(
    "who resumes where nobody was takes nothing over, not another entry of the user either",
    { user: "alice", connection: "alice2", previous: "alice7" },
    "nothing",
  );
  resumeTest(
    "who resumes without having an entry takes nothing over",
    { user: "carol", connection: "carol1" },
    "nothing",
  );

  worldTest(
    subject,
    "who resumes without naming a connection takes over the oldest entry that lingers",
    async (world) => {
      const scene = await setScene(world);
      await scene.other.enter("r", entry("alice2"));
      await scene.one.linger("r", "alice1", GRACE_MS);
      await world.advance(1_000);
      await scene.other.linger("r", "alice2", GRACE_MS);
      await scene.other.resume("r", { user: "alice", connection: "alice3" });
      assertEquals(byPlace(await scene.one.present("r")), [entry("alice2"), entry("alice3", STATE)]);
    },
  );

  worldTest(
    subject,
    "who resumes from a connection that was resumed from already takes over what went on from it, however often",
    async (world) => {
      const scene = await setScene(world);
      const { one, other } = scene;
      await one.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
      await other.resume("r", { user: "alice", connection: "alice3", previous: "alice1" });
      await one.resume("r", { user: "alice", connection: "alice4", previous: "alice1" });
      await other.resume("r", { user: "bob", connection: "bob2", previous: "alice1" });
      const went = (connection: string, previous: string) => ({
        type: "updated" as const,
        entry: entry(connection, STATE),
        previous,
      });
      await assertTold(scene, [went("alice2", "alice1"), went("alice3", "alice2"), went("alice4", "alice3")]);
      assertEquals(await one.present("r"), [entry("alice4", STATE)]);
    },
  );

  worldTest(subject, "who resumes twice is told of once", async (world) => {
    const scene = await setScene(world);
    await scene.one.linger("r", "alice1", GRACE_MS);
    const resumption = { user: "alice", connection: "alice2", previous: "alice1" };
    await scene.other.resume("r", resumption);
    await scene.other.resume("r", resumption);
    await assertTold(scene, [{ type: "updated", entry: entry("alice2", STATE), previous: "alice1" }]);
  });

  worldTest(subject, "a connection that has an entry takes none over by resuming", async (world) => {
    const scene = await setScene(world);
    await scene.other.enter("r", entry("alice2"));
    await scene.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
    assertEquals(byPlace(await scene.one.present("r")), [entry("alice1", STATE), entry("alice2")]);
    await assertTold(scene, [{ type: "joined", entry: entry("alice2") }]);
  });

  worldTest(
    subject,
    "of two that resume the same connection at the same time one takes it over, and the other goes on from there",
    async (world) => {
      const scene = await setScene(world);
      await Promise.all([
        scene.one.resume("r", { user: "alice", connection: "alice2", previous: "alice1" }),
        scene.other.resume("r", { user: "alice", connection: "alice3", previous: "alice1" }),
      ]);
      const present = await scene.one.present("r");
      assertEquals(present.length, 1);
      const [last = entry("nobody1")] = present;
      const first = entry(last.connection === "alice2" ? "alice3" : "alice2", STATE);
      await assertTold(scene, [
        { type: "updated", entry: first, previous: "alice1" },
        { type: "updated", entry: last, previous: first.connection },
      ]);
    },
  );
}
