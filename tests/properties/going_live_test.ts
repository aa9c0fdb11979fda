import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Backplane } from "../../packages/server/src/backplane/contract.ts";
import { ANY_RATE, publishFrame, RoomClient, roomUrl } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, changeRoomServices } from "../support/room_services.ts";
import { startServer } from "../support/running_server.ts";
import { Follower } from "./follower.ts";

const RUNS = 80;

/** When messages are published: so many rounds of microtasks after a call of the backplane has come back. */
interface Moments {
  readonly subscribe: readonly number[];
  readonly resume: readonly number[];
  readonly history: readonly number[];
}

const rounds = fc.array(fc.nat({ max: 20 }), { maxLength: 4 });
const moments: fc.Arbitrary<Moments> = fc.record({ subscribe: rounds, resume: rounds, history: rounds });

/** Publishes while somebody joins. */
class Interruptions {
  readonly #backplane: Backplane;
  readonly #underWay: Promise<void>[] = [];
  /** Undefined while nobody is to be interrupted. */
  moments: Moments | undefined;
  #lastId = 0;

  constructor(backplane: Backplane) {
    this.#backplane = backplane;
  }

  /** The backplane, which publishes at those moments. */
  get backplane(): Backplane {
    const backplane = this.#backplane;
    const after = async <T>(call: keyof Moments, room: string, result: Promise<T>): Promise<T> => {
      const done = await result;
      for (const rounds of this.moments?.[call] ?? []) this.#underWay.push(this.#publish(room, rounds));
      return done;
    };
    return changedBackplane(backplane, {
      subscribe: (room, deliver) => after("subscribe", room, backplane.subscribe(room, deliver)),
      resume: (room, connection) => after("resume", room, backplane.resume(room, connection)),
      history: (room, page) => after("history", room, backplane.history(room, page)),
    });
  }

  /** Waits for what is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.splice(0));
  }

  async #publish(room: string, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) await undefined;
    await this.#backplane.publish(room, [{
      id: `${++this.#lastId}`,
      event: "interruption",
      data: `"after ${rounds} rounds"`,
      from: { user: "somebody" },
    }]);
  }
}

Deno.test("what is published at any moment of a join comes once, in order (4.1, 4.3, 6.1, 6.6)", async () => {
  await using running = await startServer({ env: { ...ANY_RATE, MAX_CONNECTIONS_PER_USER: "1000" } });
  const interruptions = new Interruptions(backplaneOf(running));
  changeRoomServices(running, { backplane: interruptions.backplane });
  let run = 0;
  const history = fc.option(fc.nat({ max: 30 }), { nil: undefined });
  const property = fc.asyncProperty(
    moments,
    fc.boolean(),
    history,
    fc.nat({ max: 40 }),
    async (moments, plain, history, before) => {
      const room = `room-${run++}`;
      await using judge = await RoomClient.join(running, room, { user: "judge" });
      const past = Array.from({ length: before }, (_, index) => publishFrame(index));
      judge.send([...past, { type: "ping", id: "published" }]);
      await judge.answer("published");
      const address = (query: Readonly<Record<string, string | number>>) => roomUrl(running, room, { query });
      const follower = new Follower({ address, plain, history, keepsAll: true });
      try {
        interruptions.moments = moments;
        await follower.connect();
        await follower.settle();
        await follower.vanish();
        await interruptions.settle();
        await follower.connect();
        await follower.settle();
        await interruptions.settle();
        interruptions.moments = undefined;
        const head = (await judge.publish("marker")).offset ?? 0;
        await follower.reach(head);
        await follower.settle();
        follower.check();
        assertEquals(follower.sequence.last, head);
      } finally {
        interruptions.moments = undefined;
        await follower.vanish();
      }
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});
