import { assert, assertEquals } from "@std/assert";
import { range } from "../backplane/samples.ts";
import type { BackendKind } from "./backends.ts";
import { Deployment } from "./deployment.ts";
import { balance, Member } from "./member.ts";
import { Owned } from "./owned.ts";
import { clockShiftedBy, isWithoutFakeTime } from "./shifted_clock.ts";

/** What is the same with two isolates and with three. */
const SIZES = [2, 3] as const;

/** A scenario's isolates, each with a member of the lobby. */
interface Scene {
  readonly deployment: Deployment;
  readonly members: readonly Member[];
}

/** Registers what processes promise together, whatever they share. */
export function isolatesSuite(kind: BackendKind): void {
  function scenario(
    statement: string,
    environments: readonly Readonly<Record<string, string>>[],
    run: (scene: Scene) => Promise<void>,
    isMissing: boolean = kind.isMissing,
  ): void {
    Deno.test({
      name: `isolates on ${kind.name}: ${statement}`,
      ignore: isMissing,
      fn: async () => {
        await using deployment = await Deployment.start(kind, environments);
        await using owned = new Owned();
        await run({ deployment, members: await Member.joinAll(deployment, owned) });
      },
    });
  }

  for (const size of SIZES) {
    const environments = Array.from({ length: size }, () => ({}));

    scenario(`publishes through ${size} at once have one order`, environments, async ({ members }) => {
      await Promise.all(members.map((member) => member.publishAll(1, 200)));
      await balance(members, 200 * size);
    });

    scenario(
      `of ${size}, one is killed between storage and ack: the retry is recognized by another`,
      environments,
      async ({ deployment, members }) => {
        const [witness, unlucky] = members;
        assert(witness && unlucky);
        await unlucky.publishAll(1, 3);
        deployment.isolate(1).way.holdAnswers();
        const publishing = unlucky.publishAll(4, 8);
        // They are stored, and the isolate never learns of it.
        await witness.untilMessages(8);
        assertEquals(unlucky.acked.size, 3);
        await deployment.kill(1);
        unlucky.moveTo(deployment, size - 1 === 1 ? 0 : size - 1);
        await publishing;
        await witness.publish("after");
        await balance(members, 9);
        // The same over HTTP, which says that it is a duplicate.
        const { status, offset } = await post(deployment, 0, unlucky.user, `${unlucky.user}-8`);
        assertEquals([status, offset], [200, unlucky.acked.get(`${unlucky.user}-8`)]);
      },
    );

    scenario(
      `${size} keep their members while the server is away, and lose nothing`,
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
        await deployment.backend.startAgain();
        await Promise.all([...publishing, ...waiting]);
        await balance(members, 80 * size);
        for (const member of members) {
          assertEquals(member.connections.size, 1, `${member.user} had to connect again`);
          assertEquals(member.presence.filter((told) => told.endsWith("left")), []);
          assertEquals(member.room.presence.members.length, size);
        }
      },
    );

    scenario(
      `connections that are cut between ${size} and the server lose nothing`,
      environments,
      async (scene) => {
        const { deployment, members } = scene;
        for (const round of range(0, 9)) {
          const publishing = members.map((member) => member.publishAll(round * 10 + 1, round * 10 + 10));
          assert(deployment.isolate(round % size).way.cut() > 0 || round > 0);
          await Promise.all(publishing);
        }
        await balance(members, 100 * size);
        for (const member of members) assertEquals(member.connections.size, 1);
      },
    );
  }

  scenario("a slow way to the server makes one slow, and nobody wrong", [{}, {}, {}], async (scene) => {
    const { deployment, members } = scene;
    deployment.isolate(1).way.delayMs = 150;
    for (const round of range(0, 4)) {
      await Promise.all(members.map((member) => member.publishAll(round * 20 + 1, round * 20 + 20)));
    }
    await balance(members, 300);
    for (const member of members) assertEquals(member.connections.size, 1);
  });

  scenario(
    "clocks that are ten minutes apart change no order, no dedupe, no presence and no history",
    [-300, 0, 300].map(clockShiftedBy),
    async ({ deployment, members }) => {
      const [early, exact, late] = members;
      assert(early && exact && late);
      await Promise.all(members.map((member) => member.room.presence.enter({})));
      await Promise.all(members.map((member) => member.publishAll(1, 50)));
      await balance(members, 150);
      const times = exact.messages.map(({ at }) => at);
      // One clock says when: it never goes back, and is none of those that are wrong.
      assertEquals(times, times.toSorted((one, other) => one - other));
      for (const at of times) assert(Math.abs(Date.now() - at) < 60_000, `${at} is somebody's own clock`);
      for (const isolate of [0, 1, 2]) {
        const { status, offset } = await post(deployment, isolate, late.user, `${late.user}-7`);
        assertEquals([status, offset], [200, late.acked.get(`${late.user}-7`)]);
      }
      const page = await early.room.history({ after: 0, limit: 500 });
      assertEquals(page.messages.map(({ offset }) => offset), range(1, 150));
      for (const member of members) {
        assertEquals(member.presence.filter((told) => told.endsWith("left")), []);
        assertEquals(member.room.presence.members.length, 3);
      }
    },
    kind.isMissing || isWithoutFakeTime,
  );

  scenario("10,000 messages that were missed are read through another", [{}, {}], async (scene) => {
    const { deployment, members: [one, two] } = scene;
    assert(one && two);
    await one.publish("first");
    await two.untilMessages(1);
    const { position } = two.room;
    assert(position);
    await two.room.close();
    // A member may have some 128 under way: more are refused for a second.
    for (const round of range(0, 99)) await one.publishAll(round * 100 + 1, round * 100 + 100);
    await using again = await Member.join(deployment, two.user, 0, position);
    await again.publish("last");
    await one.untilMessages(10_002);
    await again.untilMessages(10_001);
    assertEquals(one.offsets, range(1, 10_002));
    assertEquals(again.offsets, range(2, 10_002));
    assertEquals(again.messages.map(({ data }) => data), one.messages.slice(1).map(({ data }) => data));
    assertEquals(again.gaps, []);
  });

  scenario(
    "presence of a killed one leaves once, for the members of both that are left",
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
      // What is asked after it comes after it.
      await one.room.presence.enter({});
      for (const member of [one, two]) {
        await member.untilPresence("user0 joined");
        assertEquals(member.presence, ["user2 joined", "user2 left", "user0 joined"]);
      }
    },
  );
}

/** Publishes over HTTP what a member may have said already. */
async function post(
  deployment: Deployment,
  isolate: number,
  user: string,
  said: string,
): Promise<{ readonly status: number; readonly offset: unknown }> {
  const { port } = deployment.isolate(isolate).process;
  const response = await fetch(`http://127.0.0.1:${port}/realtime/rooms/lobby/messages`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await deployment.issuer.token(user)}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ id: said, event: "said", data: said }),
  });
  const { offset } = await response.json();
  return { status: response.status, offset };
}
