/**
 * Memory of a process while members join and leave; `deno task soak --scenario churn` runs the same
 * for an hour.
 */
import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertThrows } from "@std/assert";
import { Churn } from "../../tools/soak/churn/churn.ts";
import { startChurnedServer } from "../../tools/soak/churn/churned_server.ts";
import { SESSIONS, type SessionScript } from "../../tools/soak/churn/sessions.ts";
import { judgeFlatness, type Sample } from "../../tools/soak/churn/flatness.ts";
import { describeChurn, runChurn } from "../../tools/soak/churn/run_churn.ts";
import { parseOptions } from "../../tools/soak/soak_options.ts";

/** Reads memory of another process from /proc. */
const CAN_MEASURE = Deno.build.os === "linux";
/** V8 keeps type feedback and code from the first few hundred calls. */
const WARM_UP_SESSIONS = 600;
const SESSION_COUNT = 400;
/**
 * A leaked socket takes some thousand bytes. Remembered names of abandoned rooms, which are
 * bounded, take about 100.
 */
const MAX_BYTES_PER_SESSION = 1_500;
/**
 * Deno 2.9.6 leaks 3,100 bytes and the socket's listeners for each such peer, with a server of five
 * lines too; Deno 2.1.4 leaks nothing. Becomes MAX_BYTES_PER_SESSION once Deno frees them.
 */
const MAX_BYTES_PER_LOST_UPGRADE = 9_000;
/** Limits that the warm-up reaches, so that bounded caches are no leak. */
const SMALL_BOUNDS = {
  MEMORY_BYTES: "400000",
  HISTORY_MESSAGES: "20",
  DEDUPE_SECONDS: "5",
  AUTH_CACHE_ENTRIES: "50",
  PRESENCE_GRACE_MS: "500",
};

/** Options of a run. */
interface Run {
  readonly entry?: URL;
  readonly scripts: Readonly<Record<string, SessionScript>>;
}

/** Growth of the live heap per session, in bytes, after every limit was reached. */
async function bytesPerSession({ entry, scripts }: Run): Promise<number> {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  await using server = await startChurnedServer({ env: SMALL_BOUNDS, ...(entry && { entry }) });
  await using churn = await Churn.begin(server, seed, { scripts });
  await churn.run(WARM_UP_SESSIONS);
  await churn.settled();
  const before = await server.liveHeap();
  await churn.run(SESSION_COUNT);
  await churn.settled();
  const grown = (await server.liveHeap() - before) / SESSION_COUNT;
  console.log(
    `    ${Math.round(grown)} bytes a session, with a live heap of ${
      Math.round(before / 1024)
    } KiB (seed ${seed})`,
  );
  return grown;
}

const { leaves_before_the_answer, ...others } = SESSIONS;

Deno.test(
  "members that join and leave in every way leak no memory",
  { ignore: !CAN_MEASURE },
  async () => {
    assertLess(await bytesPerSession({ scripts: others }), MAX_BYTES_PER_SESSION);
  },
);

Deno.test("a server that keeps its sockets is detected", { ignore: !CAN_MEASURE }, async () => {
  const entry = new URL("../../tools/soak/churn/leaking_entry.ts", import.meta.url);
  assertGreater(await bytesPerSession({ entry, scripts: others }), MAX_BYTES_PER_SESSION);
});

Deno.test("a peer that leaves before its upgrade completes leaks no more than Deno itself does", {
  ignore: !CAN_MEASURE,
}, async () => {
  assert(leaves_before_the_answer);
  const grown = await bytesPerSession({ scripts: { leaves_before_the_answer } });
  assertLess(grown, MAX_BYTES_PER_LOST_UPGRADE);
});

const over = (value: (at: number) => number): Sample[] =>
  Array.from({ length: 100 }, (_, at) => ({ at, value: value(at) }));

Deno.test("flat is what rises by less than 5 % of its median over the second half", () => {
  assert(judgeFlatness(over((at) => 1_000 + 100 * (at % 2))).isFlat);
  assert(judgeFlatness(over((at) => at < 50 ? 10 * at : 500)).isFlat);
  assert(judgeFlatness(over((at) => 1_000 - at)).isFlat);
  const { rise, isFlat } = judgeFlatness(over((at) => 1_000 + 2 * at));
  assertEquals([Math.round(rise), isFlat], [98, false]);
  assertThrows(() => judgeFlatness(over(() => 1).slice(0, 4)), RangeError);
});

Deno.test("churn is a scenario of the soak: it samples memory, and its table says if that is flat", {
  ignore: !CAN_MEASURE,
}, async () => {
  const options = parseOptions([
    ...["--scenario", "churn", "--minutes", "0.05", "--seed", "7"],
    ...["--without", "leaves_before_the_answer"],
  ]);
  assertEquals([options.rate, options.runMs], [15, 3_000]);
  let sampled = 0;
  const outcome = await runChurn(options, () => void sampled++);
  assertEquals(sampled, outcome.samples.length);
  assertGreater(outcome.sessions, 6);
  const text = describeChurn(outcome);
  assertMatch(text, /^(NOT )?FLAT +\d+ sessions, seed 7, Deno /);
  assertMatch(text, /minutes +resident MiB +heap MiB\n +0\.0 +\d+\.\d +\d+\.\d\n/);
});

Deno.test("an unknown session is named in the error", () => {
  assertThrows(() => parseOptions(["--without", "is_bored"]), Error, "not is_bored");
});
