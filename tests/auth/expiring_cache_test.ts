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
  | { readonly type: "get" | "delete"; readonly key: string }
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
interface PendingLoad {
  readonly key: string;
  readonly startedAtMs: number;
  readonly result: PromiseWithResolvers<Loaded>;
  isDeleted: boolean;
}

Deno.test("property: never above the bound, never an expired value, one load per key, no key leaks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.array(step, { maxLength: 60 }), async (maxEntries, steps) => {
      const fixture = new Fixture(maxEntries);
      const { cache } = fixture;
      const pending: PendingLoad[] = [];
      const expiries = new Map<number, { readonly key: string; readonly untilMs: number }>();
      const known = new Set<string>();
      let ids = 0;
      for (const one of steps) {
        if (one.type === "wait") fixture.nowMs += one.ms;
        if (one.type === "delete") {
          cache.delete(one.key);
          for (const load of pending) if (load.key === one.key) load.isDeleted = true;
          for (const [id, { key }] of expiries) if (key === one.key) expiries.delete(id);
        }
        if (one.type === "get") {
          const startedAtMs = fixture.nowMs;
          known.add(one.key);
          const shared = pending.some(({ key, isDeleted }) => key === one.key && !isDeleted);
          let hasLoaded = false;
          const value = cache.get(one.key, () => {
            hasLoaded = true;
            assert(!shared, "a second load of a key began while the first was under way");
            const load = {
              key: one.key,
              startedAtMs,
              result: Promise.withResolvers<Loaded>(),
              isDeleted: false,
            };
            pending.push(load);
            return load.result.promise;
          });
          value.catch(() => {});
          await settled();
          if (!hasLoaded && !shared) {
            // Neither loaded nor shared: a stored value of this key, which is still valid.
            const expiry = expiries.get((await value).id);
            assertEquals(expiry?.key, one.key);
            assert(fixture.nowMs < (expiry?.untilMs ?? -1), "an expired value was returned");
          }
        }
        if (one.type === "settle" && pending.length > 0) {
          const [load] = pending.splice(one.at % pending.length, 1);
          assert(load);
          if (one.outcome === "failure") load.result.reject(new Error("away"));
          else {
            const id = ++ids;
            if (!load.isDeleted) {
              expiries.set(id, { key: load.key, untilMs: load.startedAtMs + one.lifetimeMs });
            }
            load.result.resolve({ id, lifetimeMs: one.lifetimeMs });
          }
          await settled();
        }
        assert(cache.size <= maxEntries, `${cache.size} entries, allowed are ${maxEntries}`);
      }
      // At the end nothing is held: each key was reported as removed after its last use.
      for (const load of pending) load.result.reject(new Error("over"));
      await settled();
      for (const name of known) cache.delete(name);
      assertEquals(cache.size, 0);
      assertEquals(new Set(fixture.removed), known);
    }),
  );
});

/** Lets promises that are settled reach the cache. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
}
