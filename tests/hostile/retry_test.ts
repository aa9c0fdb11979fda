import { assert, assertEquals } from "@std/assert";
import { ANY_RATE, RoomClient, roomUrl } from "../support/room_client.ts";
import { startServer } from "../support/running_server.ts";
import { SeededRandom } from "../../tools/support/seeded_random.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";

const ROUNDS = 20;
const PUBLISHES = 100;
const SEED = 42;

Deno.test("who breaks off right after 100 publishes and sends them again has each stored once, in the order of the first attempt (5.3, 5.6)", async () => {
  await using running = await startServer({ env: ANY_RATE });
  await using observer = await RoomClient.join(running, "room", { user: "bob" });
  const random = new SeededRandom(SEED);
  let head = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const frames = Array.from({ length: PUBLISHES }, (_, index) => ({
      type: "publish",
      id: `${round}:${index}`,
      event: "e",
      data: { round, index },
    }));
    const first = await TcpMember.open(await roomUrl(running, "room"));
    const sending = round % 2 === 0
      ? first.send(frames)
      : first.sendTexts(frames.map((frame) => JSON.stringify(frame)));
    // The member disconnects before the server reads, or after a part of the frames.
    if (random.below(3) > 0) await sending.catch(() => {/* broken off */});
    if (random.below(3) > 1) await first.until(({ type }) => type === "ack", "an ack");
    await first[Symbol.asyncDispose]();
    await sending.catch(() => {/* broken off */});

    const [again] = await TcpMember.join(await roomUrl(running, "room"));
    await again.send(frames);
    const acked = new Map<string, number | undefined>();
    for (const { id } of frames) {
      const ack = await again.answer(id);
      assert(ack.type === "ack", JSON.stringify(ack));
      acked.set(id, ack.offset);
    }
    await again.close();
    const messages = [];
    while (messages.length < PUBLISHES) messages.push(await observer.next("message"));
    assertEquals(messages.map(({ offset }) => offset), messages.map((_, index) => head + index + 1));
    assertEquals(messages.map(({ id }) => id), frames.map(({ id }) => id));
    assertEquals(messages.map(({ data }) => data), frames.map(({ data }) => data));
    for (const { id, offset } of messages) assertEquals(acked.get(id), offset);
    head += PUBLISHES;
  }
});
