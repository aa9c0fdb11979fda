/** The key set at the project's address: what is fetched when, on a clock of the test. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { JSONWebKeySet, JWTHeaderParameters } from "jose";
import { KeySetUnavailable } from "../../packages/server/src/auth/key_set.ts";
import { createRemoteKeySet, type RemoteKeySet } from "../../packages/server/src/auth/remote_key_set.ts";
import { createIssuer } from "../../packages/cli/dev/issuer.ts";

const COOLDOWN_MS = 30_000;
const MAX_AGE_MS = 600_000;
/** Pause after a first fetch that failed. */
const RETRY_MS = 1_000;

/** A key set whose address and clock the test has in its hands. */
class Bench {
  readonly keySet: RemoteKeySet;
  nowMs = 1_000_000;
  fetched = 0;
  /** Keys at the address; undefined while it is down. */
  published: JSONWebKeySet | undefined;

  constructor(published?: JSONWebKeySet) {
    this.published = published;
    this.keySet = createRemoteKeySet({
      url: "http://project.example/jwks.json",
      cooldownMs: COOLDOWN_MS,
      maxAgeMs: MAX_AGE_MS,
      timeoutMs: 5_000,
      now: () => this.nowMs,
      fetch: () => {
        this.fetched++;
        return this.published
          ? Promise.resolve(Response.json(this.published))
          : Promise.reject(new TypeError("connection refused"));
      },
    });
  }

  /** True if the set has a key of this kid. */
  async has(kid: string, alg = "ES256"): Promise<boolean> {
    return await this.keySet.find({ alg, kid } satisfies JWTHeaderParameters) !== undefined;
  }

  /** Asserts that nothing can be said about this kid. */
  async cannotTell(kid: string): Promise<void> {
    await assertRejects(() => this.has(kid), KeySetUnavailable);
  }
}

Deno.test("nothing is fetched before the first token", () => {
  assertEquals(new Bench().fetched, 0);
});

Deno.test("the set is fetched once for many tokens, and for many at the same moment", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench(jwks);
  assertEquals(await Promise.all(Array.from({ length: 20 }, () => bench.has(kid))), Array(20).fill(true));
  bench.nowMs += MAX_AGE_MS;
  for (let count = 0; count < 20; count++) assert(await bench.has(kid));
  assertEquals(bench.fetched, 1);
});

Deno.test("an unknown kid has the set fetched again at most once in a cooldown", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench(jwks);
  assert(await bench.has(kid));
  assertEquals([await bench.has("unknown"), bench.fetched], [false, 1]);
  bench.nowMs += COOLDOWN_MS;
  const asked = Array.from({ length: 20 }, (_, index) => bench.has(`unknown-${index}`));
  assertEquals(await Promise.all(asked), Array(20).fill(false));
  assertEquals(bench.fetched, 2);
  bench.nowMs += COOLDOWN_MS - 1;
  assertEquals([await bench.has("unknown"), bench.fetched], [false, 2]);
  bench.nowMs += 1;
  assertEquals([await bench.has("unknown"), bench.fetched], [false, 3]);
});

Deno.test("a new key is found when the cooldown is over, and one that was withdrawn is gone then", async () => {
  const [old, fresh] = [await createIssuer(), await createIssuer()];
  const bench = new Bench(old.jwks);
  assert(await bench.has(old.kid));
  bench.published = fresh.jwks;
  bench.nowMs += COOLDOWN_MS;
  assert(await bench.has(fresh.kid));
  assertEquals(await bench.has(old.kid), false);
  assertEquals(bench.fetched, 2);
});

Deno.test("a set beyond its age serves on while it is fetched again, once", async () => {
  const [old, fresh] = [await createIssuer(), await createIssuer()];
  const bench = new Bench(old.jwks);
  assert(await bench.has(old.kid));
  bench.published = fresh.jwks;
  bench.nowMs += MAX_AGE_MS + 1;
  assertEquals(await Promise.all([bench.has(old.kid), bench.has(old.kid)]), [true, true]);
  assert(await bench.has(fresh.kid));
  assertEquals([await bench.has(old.kid), bench.fetched], [false, 2]);
});

Deno.test("known keys serve on while the address is down, and it is asked once in a cooldown", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench(jwks);
  assert(await bench.has(kid));
  bench.published = undefined;
  bench.nowMs += 100 * MAX_AGE_MS;
  for (let count = 0; count < 10; count++) assert(await bench.has(kid));
  assertEquals(bench.fetched, 2);
  bench.nowMs += COOLDOWN_MS + 1;
  for (let count = 0; count < 10; count++) assert(await bench.has(kid));
  assertEquals(bench.fetched, 3);
});

Deno.test("while the address is down nothing is said about an unknown kid, and the address is left alone", async () => {
  const [known, fresh] = [await createIssuer(), await createIssuer()];
  const bench = new Bench(known.jwks);
  assert(await bench.has(known.kid));
  bench.published = undefined;
  bench.nowMs += COOLDOWN_MS;
  for (let count = 0; count < 10; count++) await bench.cannotTell(fresh.kid);
  assertEquals(bench.fetched, 2);
  bench.published = { keys: [...known.jwks.keys, ...fresh.jwks.keys] };
  bench.nowMs += COOLDOWN_MS;
  assert(await bench.has(fresh.kid));
});

Deno.test("an address that was down from the start is asked once a second, and works when it is back", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench();
  await Promise.all(Array.from({ length: 10 }, () => bench.cannotTell(kid)));
  bench.nowMs += RETRY_MS - 1;
  await bench.cannotTell(kid);
  await assertRejects(() => bench.keySet.ready(), KeySetUnavailable);
  assertEquals(bench.fetched, 1);
  bench.nowMs += 1;
  await bench.cannotTell(kid);
  assertEquals(bench.fetched, 2);
  bench.published = jwks;
  bench.nowMs += RETRY_MS;
  await bench.keySet.ready();
  assert(await bench.has(kid));
  assertEquals(bench.fetched, 3);
});

Deno.test("an HS256 token never has the set fetched again: a secret stands in no public list", async () => {
  const bench = new Bench((await createIssuer()).jwks);
  for (let count = 0; count < 5; count++) {
    bench.nowMs += COOLDOWN_MS;
    assertEquals(await bench.has("unknown", "HS256"), false);
  }
  assertEquals(bench.fetched, 1);
});
