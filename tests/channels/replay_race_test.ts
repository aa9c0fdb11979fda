/** Broadcasts that are stored while a join reads its replay. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Backplane, RoomEvent } from "../../packages/server/src/backplane/contract.ts";
import { LazyRooms } from "../../packages/server/src/rooms/lazy_rooms.ts";
import { startChannelServer } from "../support/channels/channel_server.ts";
import { PhoenixClient } from "../support/channels/phoenix_client.ts";
import { ANY_RATE } from "../support/room_client.ts";
import { backplaneOf, changedBackplane, roomDepsOf } from "../support/room_services.ts";

const RUNS = 100;

/** Calls of the backplane that a join makes. */
type Call = "subscribe" | "history";

/** A broadcast that is stored during a call, after some ticks of the event loop. */
interface Planted {
  readonly call: Call;
  /** Number of the call among those of its kind. */
  readonly nth: number;
  /** True if it is stored before the call reads; false if after, while the answer is held back. */
  readonly isBefore: boolean;
  readonly ticks: number;
}

/** Ticks by which a backplane is late. */
interface Delays {
  readonly answers: number;
  readonly deliveries: number;
}

const delays: fc.Arbitrary<Delays> = fc.record({
  answers: fc.nat({ max: 8 }),
  deliveries: fc.nat({ max: 3 }),
});
const planted: fc.Arbitrary<Planted> = fc.record({
  call: fc.constantFrom<Call>("subscribe", "history"),
  nth: fc.nat({ max: 3 }),
  isBefore: fc.boolean(),
  ticks: fc.nat({ max: 6 }),
});

/** Stores broadcasts around the calls of a join, and holds their answers back. */
class PlantingBackplane {
  readonly backplane: Backplane;
  readonly #real: Backplane;
  readonly #calls = { subscribe: 0, history: 0 };
  #plan: readonly Planted[] = [];
  #delays: Delays = { answers: 0, deliveries: 0 };
  #stored = 0;
  #publishing: Promise<void>[] = [];

  constructor(real: Backplane) {
    this.#real = real;
    this.backplane = changedBackplane(real, {
      subscribe: (room, deliver) =>
        this.#around("subscribe", room, () => real.subscribe(room, this.#delayed(deliver))),
      history: (room, page) => this.#around("history", room, () => real.history(room, page)),
    });
  }

  /** Number of broadcasts that are stored, or about to be. */
  get stored(): number {
    return this.#stored;
  }

  /** Begins a run. */
  plan(plan: readonly Planted[], delays: Delays): void {
    this.#plan = plan;
    this.#delays = delays;
    this.#stored = 0;
    this.#calls.subscribe = this.#calls.history = 0;
  }

  /** Stores a number of broadcasts at once. */
  async store(room: string, count: number): Promise<void> {
    const drafts = Array.from({ length: count }, () => this.#draft());
    if (drafts.length > 0) await this.#real.publish(room, drafts);
  }

  /** Waits for everything that the plan stores. */
  async settle(): Promise<void> {
    while (this.#publishing.length > 0) await Promise.all(this.#publishing.splice(0));
  }

  async #around<T>(call: Call, room: string, run: () => Promise<T>): Promise<T> {
    const nth = this.#calls[call]++;
    const mine = this.#plan.filter((planted) => planted.call === call && planted.nth === nth);
    for (const { isBefore } of mine) if (isBefore) await this.store(room, 1);
    const result = await run();
    for (const { isBefore, ticks } of mine) if (!isBefore) this.#publishing.push(this.#later(room, ticks));
    await passTicks(this.#delays.answers);
    return result;
  }

  /** Delivers in order, and late: what is stored can be read before. */
  #delayed(deliver: (event: RoomEvent) => void): (event: RoomEvent) => void {
    let earlier = Promise.resolve();
    return (event) => {
      earlier = earlier.then(() => passTicks(this.#delays.deliveries)).then(() => deliver(event));
    };
  }

  async #later(room: string, ticks: number): Promise<void> {
    await passTicks(ticks);
    await this.store(room, 1);
  }

  #draft(): { id: string; event: string; data: string; from: { user: string } } {
    return { id: crypto.randomUUID(), event: "line", data: String(++this.#stored), from: { user: "bob" } };
  }
}

Deno.test("a broadcast stored at any moment of a join with replay arrives once and in order", async () => {
  await using server = await startChannelServer({ env: { ...ANY_RATE, HISTORY_MESSAGES: "5000" } });
  const planting = new PlantingBackplane(backplaneOf(server));
  const rooms = new LazyRooms({ ...roomDepsOf(server.engine), backplane: planting.backplane });
  Object.assign(server.engine.deps, { rooms });
  await using client = await PhoenixClient.connect(server);
  let runs = 0;
  let duringJoin = 0;
  const property = fc.asyncProperty(
    fc.array(planted, { maxLength: 12 }),
    delays,
    fc.constantFrom(0, 1, 7, 499, 500, 501, 1_001),
    fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined }),
    async (plan, delays, before, limit) => {
      const name = `run-${runs++}`;
      const room = `realtime-private/${name}`;
      planting.plan(plan, delays);
      await planting.store(room, before);
      const replay = limit === undefined ? { since: 0 } : { since: 0, limit };
      const config = { private: true, broadcast: { replay }, presence: { enabled: true } };
      const joinRef = await client.joined(`realtime:${name}`, config);
      const received: Received[] = [];
      // The state of presence follows the replay.
      for (let frame; (frame = await client.nextOfAny()) instanceof Uint8Array;) received.push(read(frame));
      await planting.settle();
      const stored = planting.stored;
      duringJoin += stored - before;
      // The last one shows that nothing else comes.
      await planting.store(room, 1);
      while (received.at(-1)?.number !== stored + 1) received.push(read(await client.nextBytes()));
      const [first = stored + 1] = received.map(({ number }) => number);
      assertEquals(received.map(({ number }) => number), range(first, stored + 1), "once and in order");
      assertEquals(received.map(({ offset }) => offset), range(first, stored + 1), "its own id");
      if (limit === undefined) assertEquals(first, 1, "from the beginning");
      // Broadcasts stored while the join reads come on top of the newest `limit`.
      else if (before >= limit) assert(first >= before - limit + 1 && first <= stored + 2 - limit);
      const live = received.map(({ isReplayed }) => Number(!isReplayed));
      assertEquals(live, live.toSorted(), "live ones follow");
      client.push(joinRef, `realtime:${name}`, "phx_leave");
      assertEquals((await client.next())[3], "phx_reply");
      assertEquals((await client.next())[3], "phx_close");
    },
  );
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  assert(duringJoin > RUNS, `only ${duringJoin} broadcasts were stored during a join`);
});

/** A stored broadcast as a frame of bytes carries it. */
interface Received {
  readonly number: number;
  readonly offset: number;
  readonly isReplayed: boolean;
}

function read(frame: Uint8Array): Received {
  const [kind, topic = 0, event = 0, size = 0, encoding] = frame;
  assertEquals([kind, encoding], [4, 1]);
  const text = new TextDecoder();
  const at = 5 + topic + event;
  const meta: { id: string; replayed?: boolean } = JSON.parse(text.decode(frame.subarray(at, at + size)));
  return {
    number: Number(text.decode(frame.subarray(at + size))),
    offset: Number(meta.id.split(":").at(-1)),
    isReplayed: meta.replayed === true,
  };
}

/** Lets tasks, timers and sockets run. */
async function passTicks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await new Promise((resolve) => setTimeout(resolve, 0));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
}
