/** The memory of verified tokens, on a clock of the test. */
import { assert, assertEquals } from "@std/assert";
import { type User, userFromClaims } from "../../packages/server/src/auth/user.ts";
import { refused, unavailable, type Verification } from "../../packages/server/src/auth/verification.ts";
import { createVerifier, type VerifierOptions } from "../../packages/server/src/auth/verifier.ts";
import { base64url } from "jose";
import { defaultClaims } from "../../packages/cli/dev/issuer.ts";
import { encodePart, partsOf } from "../support/forged_tokens.ts";

const START_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

/** A user named like the token, whose token expires `lifetimeMs` after the start. */
function userOf(token: string, lifetimeMs: number): User {
  const user = userFromClaims(defaultClaims(token, { exp: (START_MS + lifetimeMs) / 1000 }));
  assert(user);
  return user;
}

/** The text of a token with this name as its payload. */
const textOf = (name: string) => `e30.${encodePart(name)}.AAAA`;
const nameOf = (token: string): string =>
  JSON.parse(new TextDecoder().decode(base64url.decode(partsOf(token)[1])));

/** A verifier on a clock of the test, which keeps count of what it had to ask. */
class Bench {
  nowMs = START_MS;
  /** Difference of the wall clock, which somebody may set. */
  steppedMs = 0;
  readonly asked: string[] = [];
  answer: (name: string) => Verification | Promise<Verification>;
  readonly verify: (name: string) => Promise<Verification>;

  constructor(lifetimeMs: number, options: Partial<VerifierOptions> = {}) {
    this.answer = (name) => ({ ok: true, user: userOf(name, lifetimeMs) });
    const verifier = createVerifier({
      local: undefined,
      remote: {
        verify: (token) => {
          this.asked.push(nameOf(token));
          return Promise.resolve(this.answer(nameOf(token)));
        },
      },
      cacheEntries: 3,
      cacheMaxAgeMs: HOUR_MS,
      now: () => this.nowMs,
      wallNow: () => this.nowMs + this.steppedMs,
      ...options,
    });
    this.verify = (name) => verifier.verify(textOf(name));
  }
}

Deno.test("a repeated token is verified once", async () => {
  const bench = new Bench(HOUR_MS);
  const first = await bench.verify("alice");
  assertEquals(await bench.verify("alice"), first);
  assertEquals(bench.asked, ["alice"]);
});

Deno.test("tokens are told apart", async () => {
  const bench = new Bench(HOUR_MS);
  for (const token of ["alice", "bob", "alice", "bob"]) {
    const verification = await bench.verify(token);
    assertEquals(verification.ok && verification.user.id, token);
  }
  assertEquals(bench.asked, ["alice", "bob"]);
});

Deno.test("a token is not remembered beyond its expiry", async () => {
  const bench = new Bench(60_000);
  await bench.verify("alice");
  bench.nowMs = START_MS + 59_999;
  await bench.verify("alice");
  assertEquals(bench.asked.length, 1);
  bench.nowMs = START_MS + 60_000;
  bench.answer = () => refused("token_expired", "over");
  assertEquals((await bench.verify("alice")).ok, false);
  assertEquals(bench.asked.length, 2);
});

Deno.test("a token that is accepted within the clock skew after its expiry is not remembered", async () => {
  const bench = new Bench(-1_000);
  await bench.verify("alice");
  await bench.verify("alice");
  assertEquals(bench.asked.length, 2);
});

Deno.test("a token is verified again when it has been remembered long enough", async () => {
  const bench = new Bench(10 * HOUR_MS);
  await bench.verify("alice");
  bench.nowMs += HOUR_MS - 1;
  await bench.verify("alice");
  assertEquals(bench.asked.length, 1);
  bench.nowMs += 1;
  await bench.verify("alice");
  assertEquals(bench.asked.length, 2);
});

for (const hours of [-1, 1]) {
  Deno.test(`a wall clock that steps by ${hours} h changes a token's expiry, and not its time in the cache`, async () => {
    const bench = new Bench(10 * HOUR_MS, { cacheMaxAgeMs: 10_000 });
    await bench.verify("alice");
    bench.steppedMs = hours * HOUR_MS;
    bench.nowMs += 9_999;
    await bench.verify("alice");
    assertEquals(bench.asked.length, 1);
    bench.nowMs += 1;
    await bench.verify("alice");
    assertEquals(bench.asked.length, 2);
    bench.steppedMs = 10 * HOUR_MS;
    await bench.verify("alice");
    assertEquals(bench.asked.length, 3);
  });
}

Deno.test("of more tokens than are remembered, the oldest is forgotten", async () => {
  const bench = new Bench(HOUR_MS);
  for (const token of ["a", "b", "c", "d"]) await bench.verify(token);
  for (const token of ["b", "c", "d"]) await bench.verify(token);
  assertEquals(bench.asked, ["a", "b", "c", "d"]);
  await bench.verify("a");
  assertEquals(bench.asked, ["a", "b", "c", "d", "a"]);
});

Deno.test("with no entries allowed nothing is remembered", async () => {
  const bench = new Bench(HOUR_MS, { cacheEntries: 0 });
  await bench.verify("alice");
  await bench.verify("alice");
  assertEquals(bench.asked.length, 2);
});

Deno.test("one token at the same moment is verified once, and its refusal is everybody's but is not remembered", async () => {
  const bench = new Bench(HOUR_MS);
  bench.answer = () => unavailable("later", new Error("down"));
  const verifications = await Promise.all(Array.from({ length: 5 }, () => bench.verify("alice")));
  assertEquals(verifications.map(({ ok }) => ok), Array(5).fill(false));
  assertEquals(bench.asked.length, 1);
  await bench.verify("alice");
  assertEquals(bench.asked.length, 2);
});

Deno.test("what local keys decide is final, and only what they leave to Auth goes there", async () => {
  const bad = refused("invalid_token", "bad");
  const bench = new Bench(HOUR_MS, {
    local: {
      verify: (token) => Promise.resolve(nameOf(token) === "unknown" ? { ...bad, isForAuth: true } : bad),
    },
  });
  assertEquals(await bench.verify("bad"), bad);
  assertEquals(bench.asked, []);
  assertEquals((await bench.verify("unknown")).ok, true);
  assertEquals(bench.asked, ["unknown"]);
});
