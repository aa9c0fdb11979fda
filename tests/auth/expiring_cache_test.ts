/** The cache that verified tokens and permissions share, on a clock of the test. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { ExpiringCache } from "../../packages/server/src/expiring_cache.ts";

/** Value of the test, with its lifetime. */
interface Loaded {
  readonly id: number;
  readonly lifetimeMs: number;
}

/** Cache with a clock, counted loads and the removed keys. */
class Fixture {
  nowMs = 0;
  loads = 0;
  readonly removed: string[] = [];
  readonly cache: ExpiringCache<string, Loaded>;

  constructor(maxEntries: number) {
    this.cache = new ExpiringCache({
      maxEntries,
      now: () => this.nowMs,
      expiresAt: ({ lifetimeMs }, startedAtMs) => startedAtMs + lifetimeMs,
      onRemoved: (key) => this.removed.push(key),
    });
  }

  get(key: string, lifetimeMs = 100): Promise<Loaded> {
    return this.cache.get(key, () => Promise.resolve({ id: ++this.loads, lifetimeMs }));
  }
}

Deno.test("each value expires at its own time, counted from the start of its load", async () => {
  const fixture = new Fixture(10);
  const slow = Promise.withResolvers<Loaded>();
  const waiting = fixture.cache.get("slow", () => slow.promise);
  await fixture.get("short", 50);
  fixture.nowMs = 60;
  slow.resolve({ id: 0, lifetimeMs: 100 });
  await waiting;
  fixture.nowMs = 99;
  assertEquals((await fixture.get("slow")).id, 0);
  assertEquals((await fixture.get("short")).id, 2);
  fixture.nowMs = 100;
  assertEquals((await fixture.get("slow")).id, 3);
});

Deno.test("a full cache drops the value that was stored first", async () => {
  const fixture = new Fixture(2);
  for (const key of ["a", "b", "c"]) await fixture.get(key);
  assertEquals([fixture.cache.size, fixture.removed], [2, ["a"]]);
  for (const key of ["b", "c"]) await fixture.get(key);
  assertEquals(fixture.loads, 3);
});

Deno.test("a value that replaces an expired one is the newest, and evicts no other", async () => {
  const fixture = new Fixture(2);
  await fixture.get("a", 10);
  await fixture.get("b");
  fixture.nowMs = 10;
  await fixture.get("a");
  assertEquals(fixture.removed, []);
  await fixture.get("c");
  assertEquals(fixture.removed, ["b"]);
});

Deno.test("callers with the same key share one load and its rejection, which is not cached", async () => {
  const fixture = new Fixture(2);
  let loads = 0;
  const fail = () => {
    loads += 1;
    return Promise.reject(new Error("away"));
  };
  const callers = [fixture.cache.get("a", fail), fixture.cache.get("a", fail)];
  for (const caller of callers) await assertRejects(() => caller, Error, "away");
  assertEquals([loads, fixture.cache.size, fixture.removed], [1, 0, ["a"]]);
  assertEquals((await fixture.get("a")).id, 1);
});

Deno.test("a load that throws instead of rejecting is a rejection, and the next one runs", async () => {
  const fixture = new Fixture(2);
  const broken = () => {
    throw new Error("broken");
  };
  await assertRejects(() => fixture.cache.get("a", broken), Error, "broken");
  assertEquals((await fixture.get("a")).id, 1);
});

Deno.test("a key deleted during its load answers its callers only, and the next caller loads again", async () => {
  const fixture = new Fixture(2);
  const slow = Promise.withResolvers<Loaded>();
  const early = fixture.cache.get("a", () => slow.promise);
  fixture.cache.delete("a");
  const late = await fixture.get("a");
  slow.resolve({ id: -1, lifetimeMs: 100 });
  assertEquals((await early).id, -1);
  assertEquals(await fixture.get("a"), late);
  assertEquals(fixture.removed, ["a"]);
});

Deno.test("a value whose time is over when it arrives is not stored", async () => {
  const fixture = new Fixture(2);
  await fixture.get("a", 0);
  assertEquals([fixture.cache.size, fixture.removed], [0, ["a"]]);
});

/** Step of a run: a call, the end of a load, a deletion or time that passes. */
type Step =
  | { readonly type: "get"; readonly key: string }
  | { readonly type: "delete"; readonly key: string }
  | {
    readonly type: "settle";
    readonly at: number;
    readonly outcome: "value" | "failure";
    readonly lifetimeMs: number;
  }
  | { readonly type: "wait"; readonly ms: number };

const key = fc.constantFrom("a", "b", "c", "d", "e");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("get" as const), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("delete" as const), key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("settle" as const),
      at: fc.nat(9),
      outcome: fc.constantFrom("value" as const, "value" as const, "failure" as const),
      lifetimeMs: fc.nat(20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.nat(15) }) },
);

/** Load that the run has not settled yet. */
interface PendingLoad extends PromiseWithResolvers<Loaded> {
  readonly key: string;
  readonly startedAtMs: number;
  isDeleted: boolean;
}

/** Run of steps against a cache; each step checks what it sees. */
class Run {
  readonly fixture: Fixture;
  readonly used = new Set<string>();
  readonly #pending: PendingLoad[] = [];
  /** Values that may be returned, and until when. */
  readonly #valid = new Map<number, { readonly key: string; readonly untilMs: number }>();
  #ids = 0;

  constructor(maxEntries: number) {
    this.fixture = new Fixture(maxEntries);
  }

  async apply(step: Step): Promise<void> {
    if (step.type === "wait") this.fixture.nowMs += step.ms;
    else if (step.type === "delete") this.delete(step.key);
    else if (step.type === "get") await this.#get(step.key);
    else await this.#settle(step);
  }

  delete(key: string): void {
    this.fixture.cache.delete(key);
    for (const load of this.#pending) if (load.key === key) load.isDeleted = true;
    for (const [id, valid] of this.#valid) if (valid.key === key) this.#valid.delete(id);
  }

  async rejectPending(): Promise<void> {
    for (const { reject } of this.#pending) reject(new Error("over"));
    await settled();
  }

  async #get(key: string): Promise<void> {
    this.used.add(key);
    const startedAtMs = this.fixture.nowMs;
    const isUnderWay = this.#pending.some((load) => load.key === key && !load.isDeleted);
    let hasLoaded = false;
    const value = this.fixture.cache.get(key, () => {
      hasLoaded = true;
      const load = { key, startedAtMs, isDeleted: false, ...Promise.withResolvers<Loaded>() };
      this.#pending.push(load);
      return load.promise;
    });
    value.catch(() => {/* a step may reject it */});
    await settled();
    if (isUnderWay) assert(!hasLoaded, "a second load began while the first was under way");
    if (isUnderWay || hasLoaded) return;
    const valid = this.#valid.get((await value).id);
    assertEquals(valid?.key, key);
    assert(this.fixture.nowMs < (valid?.untilMs ?? 0), "an expired value was returned");
  }

  async #settle({ at, outcome, lifetimeMs }: Extract<Step, { type: "settle" }>): Promise<void> {
    const [load] = this.#pending.splice(at % Math.max(1, this.#pending.length), 1);
    if (!load) return;
    if (outcome === "failure") load.reject(new Error("away"));
    else {
      const id = ++this.#ids;
      const { key, startedAtMs } = load;
      if (!load.isDeleted) this.#valid.set(id, { key, untilMs: startedAtMs + lifetimeMs });
      load.resolve({ id, lifetimeMs });
    }
    await settled();
  }
}

Deno.test("property: never above the bound, never an expired value, one load per key, no key leaks", async () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 80, size: "max" });
  await fc.assert(fc.asyncProperty(fc.nat(3), steps, async (maxEntries, steps) => {
    const run = new Run(maxEntries);
    const { cache, removed } = run.fixture;
    for (const step of steps) {
      await run.apply(step);
      assert(cache.size <= maxEntries, `${cache.size} entries, allowed are ${maxEntries}`);
    }
    await run.rejectPending();
    for (const key of run.used) run.delete(key);
    assertEquals(cache.size, 0);
    assertEquals(new Set(removed), run.used);
  }));
});

/** Lets settled promises reach the cache. */
async function settled(): Promise<void> {
  for (let count = 0; count < 6; count++) await Promise.resolve();
}
