import { assert, assertEquals } from "@std/assert";
import { range } from "../backplane/samples.ts";
import type { BackendKind } from "./backends.ts";
import { Deployment } from "./deployment.ts";
import { assertConsistent, IsolateMember } from "./isolate_member.ts";
import { Disposables } from "./disposables.ts";
import { clockShiftedBy, isWithoutFakeTime } from "./shifted_clock.ts";

/** Numbers of isolates that each scenario runs with. */
const SIZES = [2, 3] as const;

/** Isolates of a scenario, each with a member of the lobby. */
interface Fixture {
  readonly deployment: Deployment;
  readonly members: readonly IsolateMember[];
}

/** Registers the tests of several isolates on one kind of backend. */
export function isolatesSuite(kind: BackendKind): void {
  function scenario(
    statement: string,
    environments: readonly Readonly<Record<string, string>>[],
    run: (fixture: Fixture) => Promise<void>,
    isMissing: boolean = kind.isMissing,
  ): void {
    Deno.test({
      name: `isolates on ${kind.name}: ${statement}`,
      ignore: isMissing,
      fn: async () => {
        await using deployment = await Deployment.start(kind, environments);
        await using disposables = new Disposables();
        await run({ deployment, members: await IsolateMember.joinAll(deployment, disposables) });
      },
    });
  }

  for (const size of SIZES) {
    const environments = Array.from({ length: size }, () => ({}));

    scenario(
      `concurrent publishes through ${size} isolates have one order`,
      environments,
      async ({ members }) => {
        await Promise.all(members.map((member) => member.publishAll(1, 200)));
        await assertConsistent(members, 200 * size);
      },
    );

    scenario(
      `with ${size} isolates, one is killed between storage and ack, and another recognizes the retry`,
      environments,
      async ({ deployment, members }) => {
        const [observer, publisher] = members;
        assert(observer && publisher);
        await publisher.publishAll(1, 3);
        // A statement that runs for the first time waits for an answer before it is sent, and all
        // later ones wait behind it.
        await deployment.backend.untilJobsRan();
        deployment.isolate(1).proxy.holdAnswers();
        const publishing = publisher.publishAll(4, 8);
        // The messages are stored, but the isolate never learns it.
        await observer.untilMessages(8);
        assertEquals(publisher.acked.size, 3);
        await deployment.kill(1);
        publisher.moveTo(deployment, size - 1 === 1 ? 0 : size - 1);
        await publishing;
        await observer.publish("after");
        await assertConsistent(members, 9);
        // The same id over HTTP is answered as a duplicate.
        const { status, offset } = await post(deployment, 0, publisher.user, `${publisher.user}-8`);
        assertEquals([status, offset], [200, publisher.acked.get(`${publisher.user}-8`)]);
      },
    );

    scenario(
      `${size} isolates keep their members during an outage of the server, and lose no message`,
      environments,
      async ({ deployment, members }) => {
        await Promise.all(members.map((member) => member.room.presence.enter({})));
        for (const member of members) {
          for (const { user } of members) await member.untilPresence(`${user} joined`);
        }
        await Promise.all(members.map((member) => member.publishAll(1, 20)));
        const publishing = members.map((member) => member.publishAll(21, 60));
        await deployment.backend.stop();
        const waiting = members.map((member) => member.publishAll(61, 80));
        await deployment.backend.restart();
        await Promise.all([...publishing, ...waiting]);
        await assertConsistent(members, 80 * size);
        for (const member of members) {
          assertEquals(member.connections.size, 1, `${member.user} had to reconnect`);
          assertEquals(member.presence.filter((change) => change.endsWith("left")), []);
          assertEquals(member.room.presence.members.length, size);
        }
      },
    );

    scenario(
      `cut connections between ${size} isolates and the server lose no message`,
      environments,
      async (fixture) => {
        const { deployment, members } = fixture;
        for (const round of range(0, 9)) {
          const publishing = members.map((member) => member.publishAll(round * 10 + 1, round * 10 + 10));
          assert(deployment.isolate(round % size).proxy.cut() > 0 || round > 0);
          await Promise.all(publishing);
        }
        await assertConsistent(members, 100 * size);
        for (const member of members) assertEquals(member.connections.size, 1);
      },
    );
  }

  scenario(
    "a slow connection to the server delays one isolate, and all messages stay correct",
    [{}, {}, {}],
    async (fixture) => {
      const { deployment, members } = fixture;
      deployment.isolate(1).proxy.delayMs = 150;
      for (const round of range(0, 4)) {
        await Promise.all(members.map((member) => member.publishAll(round * 20 + 1, round * 20 + 20)));
      }
      await assertConsistent(members, 300);
      for (const member of members) assertEquals(member.connections.size, 1);
    },
  );

  scenario(
    "clocks that differ by ten minutes change no order, dedupe, presence or history",
    [-300, 0, 300].map(clockShiftedBy),
    async ({ deployment, members }) => {
      const [early, exact, late] = members;
      assert(early && exact && late);
      await Promise.all(members.map((member) => member.room.presence.enter({})));
      await Promise.all(members.map((member) => member.publishAll(1, 50)));
      await assertConsistent(members, 150);
      const times = exact.messages.map(({ at }) => at);
      // The server's clock decides: it never goes back, and is none of the wrong ones.
      assertEquals(times, times.toSorted((one, other) => one - other));
      for (const at of times) assert(Math.abs(Date.now() - at) < 60_000, `${at} is an isolate's own clock`);
      for (const isolate of [0, 1, 2]) {
        const { status, offset } = await post(deployment, isolate, late.user, `${late.user}-7`);
        assertEquals([status, offset], [200, late.acked.get(`${late.user}-7`)]);
      }
      const page = await early.room.history({ after: 0, limit: 500 });
      assertEquals(page.messages.map(({ offset }) => offset), range(1, 150));
      for (const member of members) {
        assertEquals(member.presence.filter((change) => change.endsWith("left")), []);
        assertEquals(member.room.presence.members.length, 3);
      }
    },
    kind.isMissing || isWithoutFakeTime,
  );

  scenario("10,000 missed messages are replayed through another isolate", [{}, {}], async (fixture) => {
    const { deployment, members: [one, two] } = fixture;
    assert(one && two);
    await one.publish("first");
    await two.untilMessages(1);
    const { position } = two.room;
    assert(position);
    await two.room.close();
    // Batches of 100: an isolate refuses more than about 128 pending publishes of a member.
    for (const round of range(0, 99)) await one.publishAll(round * 100 + 1, round * 100 + 100);
    await using resumed = await IsolateMember.join(deployment, two.user, 0, position);
    await resumed.publish("last");
    await one.untilMessages(10_002);
    await resumed.untilMessages(10_001);
    assertEquals(one.offsets, range(1, 10_002));
    assertEquals(resumed.offsets, range(2, 10_002));
    assertEquals(resumed.messages.map(({ data }) => data), one.messages.slice(1).map(({ data }) => data));
    assertEquals(resumed.gaps, []);
  });

  scenario(
    "a killed isolate's presence leaves once, for the members of both other isolates",
    [{}, {}, {}],
    async ({ deployment, members }) => {
      const [one, two, gone] = members;
      assert(one && two && gone);
      await gone.room.presence.enter({});
      for (const member of members) await member.untilPresence("user2 joined");
      await deployment.kill(2);
      await gone.room.close();
      await one.untilPresence("user2 left");
      await two.untilPresence("user2 left");
      // A later change arrives later.
      await one.room.presence.enter({});
      for (const member of [one, two]) {
        await member.untilPresence("user0 joined");
        assertEquals(member.presence, ["user2 joined", "user2 left", "user0 joined"]);
      }
    },
  );
}

/** Publishes over HTTP a text that a member may have published already. */
async function post(
  deployment: Deployment,
  isolate: number,
  user: string,
  text: string,
): Promise<{ readonly status: number; readonly offset: unknown }> {
  const { port } = deployment.isolate(isolate).process;
  const response = await fetch(`http://127.0.0.1:${port}/realtime/rooms/lobby/messages`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await deployment.issuer.token(user)}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ id: text, event: "chat", data: text }),
  });
  const { offset } = await response.json();
  return { status: response.status, offset };
}
