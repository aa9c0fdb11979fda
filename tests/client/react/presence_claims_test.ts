/** Several components that want to be present in one room. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { delay } from "@std/async";
import { RoomError, type RoomState } from "../../../packages/client/mod.ts";
import { type PresenceClaims, presenceClaims } from "../../../packages/client/react/presence_claims.ts";

/** Microtasks that wait are through after that. */
const settle = () => delay(0);
const live = (user: string): RoomState => ({ type: "live", connection: "c", user, recovered: null });
const closed: RoomState = { type: "closed", reason: new RoomError("closed", "Closed.") };

/** A room that notes what it is asked for. */
class NotingRoom {
  state: RoomState = live("alice");
  readonly asked: string[] = [];
  refusal: RoomError | null = null;
  #listeners = new Set<() => void>();
  readonly presence = {
    members: [],
    users: new Map(),
    enter: (state: Readonly<Record<string, unknown>>) => this.#answer(JSON.stringify(state)),
    leave: () => this.#answer("leave"),
  };
  readonly claims: PresenceClaims = presenceClaims(this);

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  on(_kind: "state", listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  become(state: RoomState): void {
    this.state = state;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Returns the requests since the last call. */
  async takeAsked(): Promise<string[]> {
    await settle();
    return this.asked.splice(0);
  }

  #answer(asked: string): Promise<void> {
    this.asked.push(asked);
    return this.refusal ? Promise.reject(this.refusal) : Promise.resolve();
  }
}

Deno.test("one room has one set of claims", () => {
  const room = new NotingRoom();
  assertStrictEquals(presenceClaims(room), room.claims);
});

Deno.test("the latest claim counts, then the one before it, and the last to go leaves", async () => {
  const room = new NotingRoom();
  const releaseOne = room.claims.claim('"one"');
  assertEquals(await room.takeAsked(), ['"one"']);
  const releaseTwo = room.claims.claim('"two"');
  assertEquals(await room.takeAsked(), ['"two"']);
  releaseTwo();
  assertEquals(await room.takeAsked(), ['"one"']);
  releaseOne();
  assertEquals(await room.takeAsked(), ["leave"]);
  assertEquals(room.isHeard, false);
});

Deno.test("what happens in one turn is one request at most", async () => {
  const room = new NotingRoom();
  room.claims.claim('"one"')();
  assertEquals(await room.takeAsked(), []);
  const release = room.claims.claim('"one"');
  release();
  const releaseAgain = room.claims.claim('"one"');
  assertEquals(await room.takeAsked(), ['"one"']);
  releaseAgain();
  room.claims.claim('"two"');
  assertEquals(await room.takeAsked(), ['"two"']);
});

Deno.test("a room that was closed and opened again is entered again, and so is one of another user", async () => {
  const room = new NotingRoom();
  room.state = { type: "idle" };
  room.claims.claim("1");
  assertEquals(await room.takeAsked(), ["1"]);
  room.become(live("alice"));
  room.become({ type: "connecting", attempt: 1 });
  room.become(live("alice"));
  assertEquals(await room.takeAsked(), []);
  room.become(closed);
  const release = room.claims.claim("2");
  assertEquals(await room.takeAsked(), []);
  room.become({ type: "connecting", attempt: 0 });
  assertEquals(await room.takeAsked(), ["2"]);
  release();
  assertEquals(await room.takeAsked(), ["1"]);
  room.become(live("bob"));
  assertEquals(await room.takeAsked(), ["1"]);
});

Deno.test("a claim that is made while the room is closed is entered when it opens", async () => {
  const room = new NotingRoom();
  room.state = closed;
  room.claims.claim("1");
  assertEquals(await room.takeAsked(), []);
  room.become({ type: "connecting", attempt: 0 });
  assertEquals(await room.takeAsked(), ["1"]);
});

Deno.test("a refusal is told until another state is taken; the end of a room is none", async () => {
  const room = new NotingRoom();
  let told = 0;
  const end = room.claims.subscribe(() => told++);
  room.refusal = new RoomError("forbidden", "No.");
  const release = room.claims.claim("1");
  await settle();
  assertEquals([room.claims.error?.code, told], ["forbidden", 1]);
  room.refusal = null;
  release();
  await settle();
  assertEquals([room.claims.error, told], [null, 2]);
  room.refusal = new RoomError("closed", "Closed.");
  room.claims.claim("2");
  // It is closed while the answer is on its way.
  queueMicrotask(() => room.become(closed));
  await settle();
  assertEquals([room.claims.error, told], [null, 2]);
  end();
});
