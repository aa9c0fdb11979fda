import { assertEquals } from "@std/assert";
import type { Resumption } from "../../packages/server/src/backplane/contract.ts";
import { sortEntries } from "./listener.ts";
import { assertChanges, createPresenceFixture, GRACE_MS, STATE } from "./presence_fixture.ts";
import { entry } from "./samples.ts";
import { type Subject, worldTest } from "./world.ts";

/** Tests connections that resume a previous one. */
export function testResuming(subject: Subject): void {
  /**
   * Asserts the effect of a resume. bob1 is lost; alice1 is lost too, unless `takesOver` is
   * `connected`.
   */
  function resumeTest(
    statement: string,
    resumption: Resumption,
    takesOver: "lost" | "connected" | "nothing",
  ): void {
    worldTest(subject, statement, async (world) => {
      const fixture = await createPresenceFixture(world);
      const { one, other } = fixture;
      await one.enter("r", entry("bob1"));
      await one.linger("r", "bob1", GRACE_MS);
      if (takesOver !== "connected") await one.linger("r", "alice1", GRACE_MS);
      await other.resume("r", resumption);
      const { user, connection } = resumption;
      const resumed = { user, connection, state: STATE };
      const joined = { type: "joined" as const, entry: entry("bob1") };
      if (takesOver === "nothing") return await assertChanges(fixture, [joined]);
      await assertChanges(fixture, [joined, { type: "updated", entry: resumed, previous: "alice1" }]);
      assertEquals(sortEntries(await one.present("r")), [resumed, entry("bob1")]);
    });
  }

  resumeTest(
    "a resume takes over the lost entry of the named connection",
    { user: "alice", connection: "alice2", previous: "alice1" },
    "lost",
  );
  resumeTest(
    "a resume takes over the entry of the named connection before its loss was noticed",
    { user: "alice", connection: "alice2", previous: "alice1" },
    "connected",
  );
  resumeTest(
    "a resume without a named connection takes over the lost entry of the user",
    { user: "alice", connection: "alice2" },
    "lost",
  );
  resumeTest(
    "a resume of another user's connection takes over nothing",
    { user: "alice", connection: "alice2", previous: "bob1" },
    "nothing",
  );
  resumeTest(
    "a resume of an unknown connection takes over nothing, not even another entry of the user",
    { user: "alice", connection: "alice2", previous: "alice7" },
    "nothing",
  );
  resumeTest(
    "a resume of a user without an entry takes over nothing",
    { user: "carol", connection: "carol1" },
    "nothing",
  );

  worldTest(
    subject,
    "a resume without a named connection takes over the oldest lost entry",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await fixture.other.enter("r", entry("alice2"));
      await fixture.one.linger("r", "alice1", GRACE_MS);
      await world.advance(1_000);
      await fixture.other.linger("r", "alice2", GRACE_MS);
      await fixture.other.resume("r", { user: "alice", connection: "alice3" });
      assertEquals(sortEntries(await fixture.one.present("r")), [entry("alice2"), entry("alice3", STATE)]);
    },
  );

  worldTest(
    subject,
    "a repeated resume of a connection takes over the entry of the connection that resumed it last",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      const { one, other } = fixture;
      await one.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
      await other.resume("r", { user: "alice", connection: "alice3", previous: "alice1" });
      await one.resume("r", { user: "alice", connection: "alice4", previous: "alice1" });
      await other.resume("r", { user: "bob", connection: "bob2", previous: "alice1" });
      const takeover = (connection: string, previous: string) => ({
        type: "updated" as const,
        entry: entry(connection, STATE),
        previous,
      });
      await assertChanges(fixture, [
        takeover("alice2", "alice1"),
        takeover("alice3", "alice2"),
        takeover("alice4", "alice3"),
      ]);
      assertEquals(await one.present("r"), [entry("alice4", STATE)]);
    },
  );

  worldTest(
    subject,
    "a connection whose entry was taken over while it is alive enters again, beside the other or in its place",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      const { one, other } = fixture;
      const taken = { user: "alice", connection: "alice2", state: STATE };
      await other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
      await one.enter("r", entry("alice1", STATE));
      assertEquals(sortEntries(await one.present("r")), [entry("alice1", STATE), taken]);
      await other.resume("r", { user: "alice", connection: "alice3", previous: "alice1" });
      await other.linger("r", "alice2", GRACE_MS);
      await one.enter("r", entry("alice1", STATE));
      assertEquals(
        sortEntries(await other.present("r")),
        [entry("alice1", STATE), entry("alice3", STATE)],
      );
    },
  );

  worldTest(subject, "a repeated resume by one connection is delivered once", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.one.linger("r", "alice1", GRACE_MS);
    const resumption = { user: "alice", connection: "alice2", previous: "alice1" };
    await fixture.other.resume("r", resumption);
    await fixture.other.resume("r", resumption);
    await assertChanges(fixture, [{ type: "updated", entry: entry("alice2", STATE), previous: "alice1" }]);
  });

  worldTest(subject, "a connection with an entry takes over none by resuming", async (world) => {
    const fixture = await createPresenceFixture(world);
    await fixture.other.enter("r", entry("alice2"));
    await fixture.other.resume("r", { user: "alice", connection: "alice2", previous: "alice1" });
    assertEquals(sortEntries(await fixture.one.present("r")), [entry("alice1", STATE), entry("alice2")]);
    await assertChanges(fixture, [{ type: "joined", entry: entry("alice2") }]);
  });

  worldTest(
    subject,
    "of two concurrent resumes one takes over the entry, and the other one takes it over from there",
    async (world) => {
      const fixture = await createPresenceFixture(world);
      await Promise.all([
        fixture.one.resume("r", { user: "alice", connection: "alice2", previous: "alice1" }),
        fixture.other.resume("r", { user: "alice", connection: "alice3", previous: "alice1" }),
      ]);
      const present = await fixture.one.present("r");
      assertEquals(present.length, 1);
      const [last = entry("nobody1")] = present;
      const first = entry(last.connection === "alice2" ? "alice3" : "alice2", STATE);
      await assertChanges(fixture, [
        { type: "updated", entry: first, previous: "alice1" },
        { type: "updated", entry: last, previous: first.connection },
      ]);
    },
  );
}
