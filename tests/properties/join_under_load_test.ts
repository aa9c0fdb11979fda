import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ANY_RATE, roomUrl } from "../support/room_client.ts";
import { type RunningServer, startServer } from "../support/running_server.ts";
import { TcpMember } from "../../tools/support/wire/tcp_member.ts";
import { Follower } from "./follower.ts";

const RUNS = 12;
const MESSAGES = 2_000;
/** Publishes per array. */
const BATCH_SIZE = 20;
/** Arrays without an ack at a time. */
const MAX_PENDING_BATCHES = 4;

/** Client that joins while others publish. */
interface Joiner {
  readonly plain: boolean;
  /** Offset at which the client joins. */
  readonly at: number;
  /** Messages that are published while it is away. */
  readonly away: number;
  readonly history: number | undefined;
}

const joiner: fc.Arbitrary<Joiner> = fc.record({
  plain: fc.boolean(),
  at: fc.nat({ max: MESSAGES - 1 }),
  away: fc.nat({ max: 700 }),
  history: fc.option(fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 500 })), { nil: undefined }),
});

/** Publishes at full speed; `reach` waits until an offset is stored. */
class Publishing {
  readonly #waiting: { readonly offset: number; readonly reached: () => void }[] = [];
  #head = 0;

  async run(member: TcpMember, size: number): Promise<void> {
    const data = "x".repeat(size);
    for (let sent = 0; sent < MESSAGES; sent += BATCH_SIZE) {
      const ids = Array.from({ length: BATCH_SIZE }, (_, index) => `${sent + index + 1}`);
      await member.send(ids.map((id) => ({ type: "publish", id, event: "load", data })));
      if (sent >= MAX_PENDING_BATCHES * BATCH_SIZE) {
        await this.#acked(member, sent - MAX_PENDING_BATCHES * BATCH_SIZE + 1);
      }
    }
    await this.#acked(member, MESSAGES);
  }

  reach(offset: number): Promise<void> {
    if (this.#head >= offset) return Promise.resolve();
    return new Promise((reached) => this.#waiting.push({ offset, reached }));
  }

  async #acked(member: TcpMember, offset: number): Promise<void> {
    const ack = await member.answer(`${offset}`);
    assertEquals(ack, { type: "ack", id: `${offset}`, offset });
    this.#head = offset;
    for (const { offset: awaited, reached } of this.#waiting) {
      if (awaited <= offset) reached();
    }
  }
}

async function joinAndResume(
  follower: Follower,
  { at, away }: Joiner,
  publishing: Publishing,
): Promise<void> {
  await publishing.reach(at);
  await follower.connect();
  await follower.abort();
  await follower.connect();
  await publishing.reach(Math.min(MESSAGES, at + away));
  await follower.abort();
  await publishing.reach(Math.min(MESSAGES, at + 2 * away));
  await follower.connect();
  await follower.reach(MESSAGES);
  await follower.settle();
  follower.check();
  assertEquals(follower.sequence.last, MESSAGES);
}

async function joinUnderLoad(
  running: RunningServer,
  { room, size, joiners }: { room: string; size: number; joiners: readonly Joiner[] },
): Promise<void> {
  const [publisher] = await TcpMember.join(await roomUrl(running, room));
  await using _publisher = publisher;
  const publishing = new Publishing();
  const followers = joiners.map((joiner) => {
    const { plain, history } = joiner;
    const address = (query: Readonly<Record<string, string | number>>) =>
      roomUrl(running, room, { user: "bob", query });
    return { joiner, follower: new Follower({ address, plain, history, retainsAll: true }) };
  });
  try {
    await Promise.all([
      publishing.run(publisher, size),
      ...followers.map(({ follower, joiner }) => joinAndResume(follower, joiner, publishing)),
    ]);
  } finally {
    for (const { follower } of followers) await follower.abort();
  }
}

Deno.test("a client that joins, aborts and resumes under load gets every message once and in order (4.1, 4.3, 6.1, 6.6)", async () => {
  const env = { ...ANY_RATE, MAX_CONNECTIONS_PER_USER: "1000", HISTORY_MESSAGES: "10000" };
  await using running = await startServer({ env });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(joiner, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(1, 100, 2_500),
      async (joiners, size) => await joinUnderLoad(running, { room: `room-${run++}`, size, joiners }),
    ),
    { numRuns: RUNS },
  );
});
