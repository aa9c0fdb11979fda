/**
 * docs/protocol.md, rules 6.6 to 6.8: no gap between replay and live messages, pages, retention.
 */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { ANY_RATE, type FrameOf, freshId, publishFrame, RoomClient } from "../support/room_client.ts";
import {
  backplaneOf,
  changedBackplane,
  changeRoomServices,
  storeMessages,
} from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { KINDS } from "./kinds.ts";
import { range } from "./member_frames.ts";

/** Creates publishes for one array. */
function batch(size: number): ReturnType<typeof publishFrame>[] {
  return Array.from({ length: size }, (_, index) => publishFrame(index));
}

/** Requests a page; adds the offsets in it. */
async function page(
  member: RoomClient,
  bounds: { after: number } | { before: number },
  limit: number,
): Promise<FrameOf<"history"> & { offsets: (number | undefined)[] }> {
  const answer = await member.request({ type: "history", id: freshId(), limit, ...bounds });
  assert(answer.type === "history", JSON.stringify(answer));
  return { ...answer, offsets: answer.messages.map(({ offset }) => offset) };
}

for (const { kind, plain } of KINDS) {
  Deno.test(`6.6 no message is missing or repeated while others publish: ${kind}`, async () => {
    await using running = await startServer({ env: ANY_RATE });
    await using alice = await RoomClient.join(running, "r");
    const { epoch } = alice.welcome;
    const rounds = 12;
    for (let round = 0; round < rounds; round++) {
      alice.send(batch(60));
      const after = round * 20;
      const joining = RoomClient.join(running, "r", { user: "bob", plain, query: { after, epoch } });
      alice.send(batch(40));
      await using bob = await joining;
      const { offset: last = 0 } = await alice.publish("the last of this round");
      assertEquals(bob.welcome.recovered, after <= bob.welcome.offset);
      if (bob.welcome.recovered) assertEquals(await bob.offsets(last - after), range(after + 1, last));
      assertEquals((await bob.takeAll()).filter(({ type }) => type === "message"), []);
    }
  });

  Deno.test(`6.6 no message is missing or repeated during a slow replay with many publishes: ${kind}`, async () => {
    await using running = await startServer({ env: ANY_RATE });
    const backplane = backplaneOf(running);
    let reads = 0;
    changeRoomServices(running, {
      backplane: changedBackplane(backplane, {
        async history(room, request) {
          const read = await backplane.history(room, request);
          // Publishes more than the room's cache holds between the read and its answer, four times.
          if (++reads <= 4) {
            const from = { user: "writer" };
            const drafts = range(1, 300).map(() => ({ id: freshId(), event: "e", data: "0", from }));
            await backplane.publish(room, drafts);
            await new Promise((resolve) => setTimeout(resolve, 0));
          }
          return read;
        },
      }),
    });
    await using alice = await RoomClient.join(running, "r");
    for (let count = 0; count < 6; count++) alice.send(batch(100));
    await alice.offsets(600);
    const query = { after: 10, epoch: alice.welcome.epoch };
    await using bob = await RoomClient.join(running, "r", { user: "bob", plain, query });
    assertEquals(bob.welcome.recovered, true);
    // Presence follows the replay.
    await bob.next("presence");
    const { offset: last = 0 } = await alice.publish("the last");
    assert(last >= 1501, String(last));
    assertEquals(await bob.offsets(last - 10), range(11, last));
  });
}

Deno.test("6.6 no message is missing without retention: everything after the offset of welcome arrives", async () => {
  await using running = await startServer({ env: { ...ANY_RATE, HISTORY_MESSAGES: "0" } });
  const epoch = await storeMessages(running, "r", 3);
  const backplane = backplaneOf(running);
  let reads = 0;
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async history(room, request) {
        const read = await backplane.history(room, request);
        // Publishes between the read and its answer, a limited number of times.
        const draft = { id: freshId(), event: "e", data: "0", from: { user: "writer" } };
        if (++reads <= 20) await backplane.publish(room, [draft]);
        return read;
      },
    }),
  });
  await using alice = await RoomClient.join(running, "r", { query: { after: 1, epoch } });
  const { offset } = alice.welcome;
  await alice.next("presence");
  assert(reads < 20, `history was read ${reads} times, and would be for as long as others publish`);
  const { offset: last = 0 } = await alice.publish("the last");
  const offsets: (number | undefined)[] = [];
  while (offsets.at(-1) !== last) offsets.push((await alice.next("message")).offset);
  assertEquals(offsets.slice(-(last - offset)), range(offset + 1, last));
});

Deno.test("6.6 messages removed during the replay are reported as a gap, and the order stays", async () => {
  await using running = await startServer({ env: { ...ANY_RATE, HISTORY_MESSAGES: "600" } });
  const backplane = backplaneOf(running);
  const from = { user: "writer" };
  const write = (count: number) =>
    backplane.publish("rooms/r", range(1, count).map(() => ({ id: freshId(), event: "e", data: "0", from })));
  let pages = 0;
  changeRoomServices(running, {
    backplane: changedBackplane(backplane, {
      async history(room, request) {
        const read = await backplane.history(room, request);
        // After the first full page, fills the whole retention.
        if ("after" in request && request.limit > 1 && ++pages === 1) await write(700);
        return read;
      },
    }),
  });
  await write(600);
  await using alice = await RoomClient.join(running, "r", {
    query: { after: 0, epoch: (await backplane.history("rooms/r", { after: 0, limit: 1 })).epoch },
  });
  assertEquals([alice.welcome.recovered, alice.welcome.offset], [true, 600]);
  assertEquals(await alice.offsets(500), range(1, 500));
  const gap = await alice.next("gap");
  assertEquals([gap.from, gap.to], [501, 700]);
  assertEquals(await alice.offsets(600), range(701, 1300));
});

for (const { kind, plain } of KINDS) {
  Deno.test(`6.7 a page holds the first messages after an offset, or the last before it: ${kind}`, async () => {
    await using running = await startServer({ env: ANY_RATE });
    await using alice = await RoomClient.join(running, "r", { plain });
    await storeMessages(running, "r", 20);
    const pages: readonly (readonly [{ after: number } | { before: number }, number, number[], boolean])[] = [
      [{ after: 0 }, 5, range(1, 5), true],
      [{ after: 5 }, 5, range(6, 10), true],
      [{ after: 15 }, 5, range(16, 20), false],
      [{ after: 15 }, 500, range(16, 20), false],
      [{ after: 0 }, 20, range(1, 20), false],
      [{ after: 20 }, 5, [], false],
      [{ after: 99 }, 5, [], false],
      [{ before: 21 }, 5, range(16, 20), true],
      [{ before: 99 }, 5, range(16, 20), true],
      [{ before: 6 }, 5, range(1, 5), false],
      [{ before: 7 }, 5, range(2, 6), true],
      [{ before: 3 }, 5, range(1, 2), false],
      [{ before: 1 }, 5, [], false],
      [{ before: 0 }, 5, [], false],
    ];
    for (const [bounds, limit, offsets, more] of pages) {
      const read = await page(alice, bounds, limit);
      assertEquals([read.offsets, read.more], [offsets, more], JSON.stringify([bounds, limit]));
    }
  });
}

Deno.test("6.7 an entry of a page equals the delivered message", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  await alice.publish({ some: ["data", null] }, { event: 'odd "name"', id: "id \u0000" });
  const { type: _, ...message } = await alice.next("message");
  assertEquals((await page(alice, { after: 0 }, 5)).messages, [message]);
});

Deno.test("6.7 a page of large messages holds fewer than its limit, and paging misses none", async () => {
  await using running = await startServer();
  await using alice = await RoomClient.join(running, "r");
  const filler = "a".repeat(60_000);
  for (let count = 0; count < 7; count++) await alice.publish(filler);
  for (const direction of ["after", "before"] as const) {
    const walked: (number | undefined)[] = [];
    let pages = 0;
    for (let cursor = direction === "after" ? 0 : 8, more = true; more; pages++) {
      const read = await page(alice, direction === "after" ? { after: cursor } : { before: cursor }, 500);
      const { offsets } = read;
      assert(offsets.length > 0, "an empty page has more: true");
      if (direction === "after") walked.push(...offsets);
      else walked.unshift(...offsets);
      more = read.more;
      cursor = (direction === "after" ? offsets.at(-1) : offsets[0]) ?? 0;
    }
    assertEquals(walked, range(1, 7));
    assert(pages > 1, "everything came in one page");
  }
});

Deno.test("6.7 with `before`, more is false at the oldest retained message", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "4" } });
  await using alice = await RoomClient.join(running, "r");
  await storeMessages(running, "r", 10);
  const last = await page(alice, { before: 11 }, 2);
  assertEquals([last.offsets, last.more], [[9, 10], true]);
  const first = await page(alice, { before: 9 }, 2);
  assertEquals([first.offsets, first.more], [[7, 8], false]);
  assertEquals((await page(alice, { after: 0 }, 10)).offsets, [7, 8, 9, 10]);
});

Deno.test("6.8 a room keeps history_messages messages", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "3" } });
  await using alice = await RoomClient.join(running, "r");
  await using other = await RoomClient.join(running, "other");
  await storeMessages(running, "r", 5);
  await other.publish("of another room");
  assertEquals((await page(alice, { after: 0 }, 500)).offsets, [3, 4, 5]);
  assertEquals((await page(other, { after: 0 }, 500)).offsets, [1]);
});

Deno.test("6.8 a room keeps a message for history_seconds", async () => {
  await using running = await startServer({ env: { HISTORY_SECONDS: "1" } });
  await using alice = await RoomClient.join(running, "r");
  await alice.publish("old");
  const { at } = await alice.next("message");
  const readPage = () => page(alice, { after: 0 }, 500);
  await eventually(readPage, ({ offsets }) => offsets.length === 0);
  assert(Date.now() - at >= 1000);
  assertEquals((await alice.publish("new")).offset, 2);
  assertEquals((await readPage()).offsets, [2]);
});

Deno.test("6.8 a join replays neither more nor older messages than that, with or without members in the room", async () => {
  await using running = await startServer({ env: { HISTORY_MESSAGES: "3" } });
  await using alice = await RoomClient.join(running, "r");
  await storeMessages(running, "r", 10);
  const query = { after: 0, epoch: alice.welcome.epoch };
  await using bob = await RoomClient.join(running, "r", { user: "bob", query });
  const frames = await bob.takeAll();
  assertEquals(frames.map((frame) => frame.type === "message" ? frame.offset : frame.type), [
    "gap",
    8,
    9,
    10,
    "presence",
  ]);
});
