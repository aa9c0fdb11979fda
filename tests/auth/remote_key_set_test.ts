/** The key set at the project's address: what is fetched when, on a clock of the test. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { errors, type JSONWebKeySet, type JWTHeaderParameters } from "jose";
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
  async has(kid: string | undefined, alg = "ES256"): Promise<boolean> {
    const header: JWTHeaderParameters = kid === undefined ? { alg } : { alg, kid };
    return await this.keySet.find(header) !== undefined;
  }

  /** Asserts that nothing can be said about this kid, for this time if it is given. */
  async cannotTell(kid: string | undefined, forMs?: number, alg?: string): Promise<KeySetUnavailable> {
    const error = await assertRejects(() => this.has(kid, alg), KeySetUnavailable);
    if (forMs !== undefined) assertEquals(error.retryAfterMs, forMs);
    return error;
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
  assertEquals([await bench.has("unknown"), bench.fetched], [false, 1]);
  assert(await bench.has(kid));
  bench.nowMs += COOLDOWN_MS;
  const asked = Array.from({ length: 20 }, (_, index) => bench.has(`unknown-${index}`));
  assertEquals(await Promise.all(asked), Array(20).fill(false));
  assertEquals(bench.fetched, 2);
  bench.nowMs += COOLDOWN_MS - 1;
  assertEquals([await bench.has("unknown-7"), bench.fetched], [false, 2]);
  bench.nowMs += 1;
  assertEquals([await bench.has("unknown-7"), bench.fetched], [false, 3]);
});

Deno.test("of a kid that appears after the fetch nothing is said until the next one, which is then final", async () => {
  const [old, fresh] = [await createIssuer(), await createIssuer()];
  const bench = new Bench(old.jwks);
  assert(await bench.has(old.kid));
  bench.nowMs += 10_000;
  await bench.cannotTell(fresh.kid, COOLDOWN_MS - 10_000);
  await bench.cannotTell("wrong", COOLDOWN_MS - 10_000);
  bench.nowMs += 5_000;
  await bench.cannotTell(fresh.kid, COOLDOWN_MS - 15_000);
  bench.published = { keys: [...old.jwks.keys, ...fresh.jwks.keys] };
  bench.nowMs += COOLDOWN_MS;
  assert(await bench.has(fresh.kid));
  // Another kid had the set fetched; that fetch answers about this one too.
  assertEquals([await bench.has("wrong"), bench.fetched], [false, 2]);
});

Deno.test("kids that are remembered are bounded in number and length, and a token without a kid counts as one", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench({ keys: [...jwks.keys, ...(await createIssuer()).jwks.keys] });
  assert(await bench.has(kid));
  const long = "k".repeat(12_000);
  await bench.cannotTell(`${long}1`, COOLDOWN_MS);
  for (let count = 0; count < 999; count++) await bench.cannotTell(`kid-${count}`, COOLDOWN_MS);
  await bench.cannotTell("one-more", COOLDOWN_MS);
  bench.nowMs += COOLDOWN_MS;
  assertEquals(await bench.has("kid-3"), false);
  assertEquals([await bench.has(`${long}2`), await bench.has("kid-998"), bench.fetched], [false, false, 2]);
  await bench.cannotTell("one-more", COOLDOWN_MS);
  await bench.cannotTell(undefined, COOLDOWN_MS, "RS256");
  bench.nowMs += COOLDOWN_MS;
  assertEquals([await bench.has(undefined, "RS256"), bench.fetched], [false, 3]);
});

Deno.test("a kid of the set with another algorithm is bad at once, and has nothing fetched", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench(jwks);
  for (let count = 0; count < 3; count++) {
    await assertRejects(() => bench.has(kid, "RS256"), errors.JWKSNoMatchingKey);
    bench.nowMs += COOLDOWN_MS;
  }
  assertEquals(bench.fetched, 1);
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
  bench.nowMs += MAX_AGE_MS + 1;
  for (let count = 0; count < 10; count++) assert(await bench.has(kid));
  assertEquals(bench.fetched, 2);
  bench.nowMs += COOLDOWN_MS + 1;
  for (let count = 0; count < 10; count++) assert(await bench.has(kid));
  assertEquals(bench.fetched, 3);
});

Deno.test("beyond twice its age a set counts no longer: a revoked key is refused, after any idle time", async () => {
  const [old, fresh] = [await createIssuer(), await createIssuer()];
  const bench = new Bench(old.jwks);
  assert(await bench.has(old.kid));
  bench.published = fresh.jwks;
  bench.nowMs += 2 * MAX_AGE_MS + 1;
  assertEquals(await Promise.all([bench.has(old.kid), bench.has(old.kid)]), [false, false]);
  assert(await bench.has(fresh.kid));
  assertEquals(bench.fetched, 2);
});

Deno.test("beyond twice its age and with the address down nothing is said about any kid, until it is back", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench(jwks);
  assert(await bench.has(kid));
  bench.published = undefined;
  bench.nowMs += 2 * MAX_AGE_MS;
  assert(await bench.has(kid));
  bench.nowMs += COOLDOWN_MS + 1;
  await bench.cannotTell(kid);
  await assertRejects(() => bench.keySet.ready(), KeySetUnavailable);
  assertEquals(bench.fetched, 3);
  bench.published = jwks;
  bench.nowMs += RETRY_MS;
  assert(await bench.has(kid));
  await bench.keySet.ready();
  assertEquals(bench.fetched, 4);
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

Deno.test("an HS256 token never has the set fetched: a secret stands in no public list", async () => {
  const bench = new Bench();
  for (let count = 0; count < 5; count++) {
    bench.nowMs += COOLDOWN_MS;
    assertEquals(await bench.has("unknown", "HS256"), false);
  }
  assertEquals(bench.fetched, 0);
});

Deno.test("a secret in the fetched set does not count: everybody can read it", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench({
    keys: [...jwks.keys, { kty: "oct", kid: "shared", alg: "HS256", k: "c2VjcmV0" }],
  });
  assert(await bench.has(kid));
  assertEquals(await bench.has("shared", "HS256"), false);
});

Deno.test("a key with an odd kid does not spoil the set", async () => {
  const { kid, jwks } = await createIssuer();
  const odd: JSONWebKeySet = JSON.parse('{"keys":[{"kty":"EC","kid":7},{"kty":"EC"},{"kid":null}]}');
  const bench = new Bench({ keys: [...odd.keys, ...jwks.keys] });
  for (let count = 0; count < 2; count++) {
    assert(await bench.has(kid));
    bench.nowMs += 2 * MAX_AGE_MS + 1;
  }
});

Deno.test("a failure says if there never was a set, so that no key can be ruled out", async () => {
  const { kid, jwks } = await createIssuer();
  const bench = new Bench();
  const failures = [await bench.cannotTell(kid), await bench.cannotTell(kid)];
  assertEquals(failures.map(({ isFirst, retryAfterMs }) => [isFirst, retryAfterMs]), [
    [true, undefined],
    [true, RETRY_MS],
  ]);
  bench.published = jwks;
  bench.nowMs += RETRY_MS;
  assert(await bench.has(kid));
  assertEquals((await bench.cannotTell("new", COOLDOWN_MS)).isFirst, false);
});
