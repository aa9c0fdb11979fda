/** Memory of a process while members come and go; `deno task soak --scenario churn` does the same for an hour. */
import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertThrows } from "@std/assert";
import { Churn } from "../../tools/soak/churn/churn.ts";
import { startChurnedServer } from "../../tools/soak/churn/churned_server.ts";
import { type Visitor, VISITORS } from "../../tools/soak/churn/visits.ts";
import { judgeFlatness, type Sample } from "../../tools/soak/churn/flatness.ts";
import { describeChurn, runChurn } from "../../tools/soak/churn/run_churn.ts";
import { parseOptions } from "../../tools/soak/soak_options.ts";

/** Memory of another process is read from /proc. */
const CAN_MEASURE = Deno.build.os === "linux";
/** V8 learns from the first few hundred what is called and with what, and keeps that. */
const WARM_UP_VISITS = 600;
const VISITS = 400;
/** A socket that is kept is some thousand bytes; names of rooms that were given up, which are remembered up to a bound, are about 100. */
const MOST_BYTES_A_VISIT = 1_500;
/**
 * Deno 2.9.6 itself keeps 3,100 bytes of each such peer for ever, a server of five lines too, and with it what listens to the socket;
 * Deno 2.1.4 keeps nothing. Becomes MOST_BYTES_A_VISIT when Deno lets go.
 */
const MOST_BYTES_OF_A_LOST_UPGRADE = 9_000;
/** Reached while it warms up: what is kept up to a bound is no leak. */
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
  readonly visitors: Readonly<Record<string, Visitor>>;
}

/** By how many bytes the live heap grows with each visit, once every bound was reached. */
async function bytesAVisit({ entry, visitors }: Run): Promise<number> {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  await using server = await startChurnedServer({ env: SMALL_BOUNDS, ...(entry && { entry }) });
  await using churn = await Churn.begin(server, seed, { visitors });
  await churn.visit(WARM_UP_VISITS);
  await churn.settled();
  const before = await server.liveHeap();
  await churn.visit(VISITS);
  await churn.settled();
  const grown = (await server.liveHeap() - before) / VISITS;
  console.log(
    `    ${Math.round(grown)} bytes a visit, of a live heap of ${
      Math.round(before / 1024)
    } KiB (seed ${seed})`,
  );
  return grown;
}

const { leaves_before_the_answer, ...others } = VISITORS;

Deno.test(
  "members that come and go in every way leave nothing behind",
  { ignore: !CAN_MEASURE },
  async () => {
    assertLess(await bytesAVisit({ visitors: others }), MOST_BYTES_A_VISIT);
  },
);

Deno.test("a server that keeps its sockets is found out", { ignore: !CAN_MEASURE }, async () => {
  const entry = new URL("../../tools/soak/churn/leaking_entry.ts", import.meta.url);
  assertGreater(await bytesAVisit({ entry, visitors: others }), MOST_BYTES_A_VISIT);
});

Deno.test("of a peer that leaves before its upgrade is through no more is kept than Deno keeps", {
  ignore: !CAN_MEASURE,
}, async () => {
  assert(leaves_before_the_answer);
  const grown = await bytesAVisit({ visitors: { leaves_before_the_answer } });
  assertLess(grown, MOST_BYTES_OF_A_LOST_UPGRADE);
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
  let heard = 0;
  const outcome = await runChurn(options, () => void heard++);
  assertEquals(heard, outcome.samples.length);
  assertGreater(outcome.visits, 6);
  const text = describeChurn(outcome);
  assertMatch(text, /^(NOT )?FLAT +\d+ visits, seed 7, Deno /);
  assertMatch(text, /minutes +resident MiB +heap MiB\n +0\.0 +\d+\.\d +\d+\.\d\n/);
});

Deno.test("a kind of visit that there is not is named", () => {
  assertThrows(() => parseOptions(["--without", "is_bored"]), Error, "not is_bored");
});
