import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { ANY_RATE, publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { Follower } from "./follower.ts";

const RUNS = 80;

/** Delays of publishes after a backplane call returns, in microtask rounds. */
interface PublishDelays {
  readonly subscribe: readonly number[];
  readonly resume: readonly number[];
  readonly history: readonly number[];
}

const rounds = fc.array(fc.nat({ max: 20 }), { maxLength: 4 });
const delays: fc.Arbitrary<PublishDelays> = fc.record({ subscribe: rounds, resume: rounds, history: rounds });

/** Publishes during a join. */
class JoinPublisher {
  readonly #backplane: Backplane;
  readonly #publishes: Promise<void>[] = [];
  /** Undefined while nothing is published. */
  delays: PublishDelays | undefined;
  #lastId = 0;

  constructor(backplane: Backplane) {
    this.#backplane = backplane;
  }

  /** Backplane that publishes after these delays. */
  get backplane(): Backplane {
    const backplane = this.#backplane;
    const after = async <T>(call: keyof PublishDelays, room: string, result: Promise<T>): Promise<T> => {
      const done = await result;
      for (const rounds of this.delays?.[call] ?? []) this.#publishes.push(this.#publish(room, rounds));
      return done;
    };
    return changedBackplane(backplane, {
      subscribe: (room, deliver) => after("subscribe", room, backplane.subscribe(room, deliver)),
      resume: (room, connection) => after("resume", room, backplane.resume(room, connection)),
      history: (room, page) => after("history", room, backplane.history(room, page)),
    });
  }

  /** Waits for the publishes in progress. */
  async settle(): Promise<void> {
    await Promise.all(this.#publishes.splice(0));
  }

  async #publish(room: string, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) await undefined;
    await this.#backplane.publish(room, [{
      id: `${++this.#lastId}`,
      event: "during-join",
      data: `"after ${rounds} rounds"`,
      from: { user: "somebody" },
    }]);
  }
}

Deno.test("a message published at any moment of a join arrives once and in order (4.1, 4.3, 6.1, 6.6)", async () => {
  await using running = await startServer({ env: { ...ANY_RATE, MAX_CONNECTIONS_PER_USER: "1000" } });
  const joinPublisher = new JoinPublisher(backplaneOf(running));
  changeRoomServices(running, { backplane: joinPublisher.backplane });
  let run = 0;
  const history = fc.option(fc.nat({ max: 30 }), { nil: undefined });
  const property = fc.asyncProperty(
    delays,
    fc.boolean(),
    history,
    fc.nat({ max: 40 }),
    async (delays, plain, history, before) => {
      const room = `room-${run++}`;
      await using observer = await RoomClient.join(running, room, { user: "observer" });
      const past = Array.from({ length: before }, (_, index) => publishFrame(index));
      observer.send([...past, { type: "ping", id: "published" }]);
      await observer.answer("published");
      const address = (query: Readonly<Record<string, string | number>>) => roomUrl(running, room, { query });
      const follower = new Follower({ address, plain, history, retainsAll: true });
      try {
        joinPublisher.delays = delays;
        await follower.connect();
        await follower.settle();
        await follower.abort();
        await joinPublisher.settle();
        await follower.connect();
        await follower.settle();
        await joinPublisher.settle();
        joinPublisher.delays = undefined;
        const head = (await observer.publish("marker")).offset ?? 0;
        await follower.reach(head);
        await follower.settle();
        follower.check();
        assertEquals(follower.sequence.last, head);
      } finally {
        joinPublisher.delays = undefined;
        await follower.abort();
      }
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});
