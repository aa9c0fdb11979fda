/** The bounds on what tokens cost Auth, on a clock of the test. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../tools/support/eventually.ts";
import { AuthGate, type AuthGateOptions } from "../../packages/server/src/auth/auth_gate.ts";
import { refused, unavailable, type Verification } from "../../packages/server/src/auth/verification.ts";
import { userFromClaims } from "../../packages/server/src/auth/user.ts";
import { defaultClaims } from "../../packages/cli/dev/issuer.ts";

const REFUSED = refused("invalid_token", "no");
const UNAVAILABLE = unavailable("later", new Error("away"));

/** A gate whose clock and answers the test has in its hands. */
class Bench {
  nowMs = 1_000;
  /** Tokens that were asked about. */
  readonly asked: string[] = [];
  answer: (token: string) => Verification | Promise<Verification> = () => REFUSED;
  /** Response of Auth. */
  response: () => Response | Promise<Response> = () => new Response();
  readonly gate: AuthGate;

  constructor(options: Partial<AuthGateOptions> = {}) {
    this.gate = new AuthGate({
      requests: 2,
      maxWaitMs: 5_000,
      refusalEntries: 3,
      refusalMs: 4_000,
      fetch: () => Promise.resolve(this.response()),
      now: () => this.nowMs,
      ...options,
    });
  }

  verify(token: string): Promise<Verification> {
    return this.gate.verify(token, async () => {
      this.asked.push(token);
      await this.gate.fetch("http://project.example/auth/v1/user");
      return await this.answer(token);
    });
  }
}

/** Answers with 429 and `unavailable`, as Auth above its limit does. */
function overLimit(bench: Bench, retryAfter?: string): void {
  bench.answer = () => UNAVAILABLE;
  bench.response = () =>
    new Response("", { status: 429, ...(retryAfter ? { headers: { "retry-after": retryAfter } } : {}) });
}

function well(bench: Bench): void {
  const user = userFromClaims(defaultClaims("alice"));
  assert(user);
  bench.answer = () => ({ ok: true, user });
  bench.response = () => new Response();
}

/** The wait that a verification names, in milliseconds. */
function waitOf(verdict: Verification): number | undefined {
  assert(!verdict.ok && verdict.code === "auth_unavailable", JSON.stringify(verdict));
  return verdict.retryAfterMs;
}

Deno.test("a refused token is refused again without a request, for its time", async () => {
  const bench = new Bench();
  for (let count = 0; count < 5; count++) assertEquals(await bench.verify("a"), REFUSED);
  assertEquals(bench.asked, ["a"]);
  bench.nowMs += 3_999;
  await bench.verify("a");
  assertEquals(bench.asked, ["a"]);
  bench.nowMs += 1;
  well(bench);
  assert((await bench.verify("a")).ok);
  assertEquals(bench.asked, ["a", "a"]);
});

Deno.test("refusals that are remembered are bounded: the oldest goes", async () => {
  const bench = new Bench();
  for (const token of ["a", "b", "c", "d", "b", "c", "d", "a"]) await bench.verify(token);
  assertEquals(bench.asked, ["a", "b", "c", "d", "a"]);
});

Deno.test("neither an accepted token nor a failure is remembered here", async () => {
  const bench = new Bench();
  bench.answer = () => UNAVAILABLE;
  for (let count = 0; count < 2; count++) waitOf(await bench.verify("a"));
  well(bench);
  for (let count = 0; count < 2; count++) assert((await bench.verify("a")).ok);
  assertEquals(bench.asked.length, 4);
});

Deno.test("two requests are under way, twenty wait in their order, and further tokens are told to come back", async () => {
  const bench = new Bench();
  const { promise, resolve } = Promise.withResolvers<void>();
  let underWay = 0;
  let most = 0;
  bench.answer = async () => {
    most = Math.max(most, ++underWay);
    await promise;
    underWay--;
    return REFUSED;
  };
  const early: Verification[] = [];
  const verdicts = Array.from({ length: 30 }, async (_, index) => {
    const verdict = await bench.verify(`t${index}`);
    early.push(verdict);
    return verdict;
  });
  await eventually(() => Promise.resolve(early.length), (count) => count === 8);
  assertEquals(early.map(waitOf), Array(8).fill(1_000));
  // A cause would be a line of the log for each.
  assertEquals(early.map((verdict) => verdict.ok || verdict.cause), Array(8).fill(undefined));
  resolve();
  const codes = (await Promise.all(verdicts)).map((verdict) => verdict.ok ? "" : verdict.code);
  assertEquals([codes.filter((code) => code === "invalid_token").length, most], [22, 2]);
  assertEquals(bench.asked.length, 22);
});

Deno.test("a token that waited for too long is not asked about", async () => {
  const bench = new Bench({ requests: 1 });
  const { promise, resolve } = Promise.withResolvers<Verification>();
  bench.answer = () => promise;
  // One is asked about, ten wait, and the last one shows that the queue is full.
  const verdicts = Array.from({ length: 12 }, (_, index) => bench.verify(`t${index}`));
  assertEquals(waitOf(await Promise.race(verdicts)), 1_000);
  bench.nowMs += 5_001;
  resolve(REFUSED);
  const codes = (await Promise.all(verdicts)).map((verdict) => verdict.ok ? "" : verdict.code);
  assertEquals([codes.filter((code) => code === "invalid_token").length, bench.asked.length], [1, 1]);
});

Deno.test("after a 429 Auth has a pause, of ten seconds where it names none", async () => {
  const bench = new Bench();
  overLimit(bench);
  assertEquals(waitOf(await bench.verify("a")), 10_000);
  well(bench);
  bench.nowMs += 4_000;
  for (const token of ["a", "b", "c"]) assertEquals(waitOf(await bench.verify(token)), 6_000);
  assertEquals(bench.asked, ["a"]);
  bench.nowMs += 6_000;
  assert((await bench.verify("b")).ok);
  assert((await bench.verify("c")).ok);
  assertEquals(bench.asked, ["a", "b", "c"]);
});

const PAUSES: readonly (readonly [retryAfter: string, expectedMs: number])[] = [
  ["3", 3_000],
  ["0", 1_000],
  ["86400", 60_000],
  ["-5", 10_000],
  ["soon", 10_000],
  ["Wed, 21 Oct 2026 07:28:00 GMT", 10_000],
];
for (const [retryAfter, expectedMs] of PAUSES) {
  Deno.test(`Retry-After: ${retryAfter} of a 429 is a pause of ${expectedMs / 1000} s`, async () => {
    const bench = new Bench();
    overLimit(bench, retryAfter);
    await bench.verify("a");
    assertEquals(waitOf(await bench.verify("b")), expectedMs);
  });
}

Deno.test("after the pause one token tries Auth, and the others wait for what comes of it", async () => {
  const bench = new Bench();
  overLimit(bench, "2");
  await bench.verify("a");
  for (const isWell of [false, true]) {
    bench.nowMs += 2_000;
    const held = Promise.withResolvers<void>();
    if (isWell) well(bench);
    const { response } = bench;
    bench.response = () => held.promise.then(response);
    const waits: unknown[] = [];
    const verdicts = ["b", "c", "d"].map(async (token) => {
      const verdict = await bench.verify(token);
      waits.push(verdict.ok ? "in" : waitOf(verdict));
    });
    await eventually(() => Promise.resolve(waits.length), (count) => count === 2);
    held.resolve();
    await Promise.all(verdicts);
    assertEquals(waits, [1_000, 1_000, isWell ? "in" : 2_000]);
    if (!isWell) overLimit(bench, "2");
  }
  assertEquals(bench.asked.length, 3);
  well(bench);
  assertEquals((await Promise.all(["e", "f"].map((token) => bench.verify(token)))).map(({ ok }) => ok), [
    true,
    true,
  ]);
});

Deno.test("an answer to an older request does not end the pause", async () => {
  const bench = new Bench();
  const { promise, resolve } = Promise.withResolvers<Verification>();
  bench.answer = () => promise;
  const older = bench.verify("older");
  await eventually(() => Promise.resolve(bench.asked.length), (count) => count === 1);
  overLimit(bench);
  await bench.verify("b");
  resolve(REFUSED);
  assertEquals(await older, REFUSED);
  assertEquals(waitOf(await bench.verify("c")), 10_000);
});
