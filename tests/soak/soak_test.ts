/**
 * A short soak: isolates start, end and are killed under real clients, connections to the store are
 * cut, and no message is lost.
 */
import { assert, assertEquals } from "@std/assert";
import { parseOptions, type SoakOptions } from "../../tools/soak/soak_options.ts";
import type { SoakOutcome } from "../../tools/soak/outcome.ts";
import { describeOutcome } from "../../tools/soak/soak_report.ts";
import { runKill, runTurnover } from "../../tools/soak/scenarios.ts";
import { BACKPLANES } from "../../tools/support/backplane_store.ts";
import { isWithoutPostgres } from "../../tools/support/postgres/server.ts";
import { isWithoutRedis } from "../../tools/support/redis/availability.ts";

/**
 * Longest absence on a machine that is busy with other tests. On a quiet one `deno task soak
 * --scenario kill1000` allows five seconds.
 */
const LONG_ABSENCE = "--back-within 30s --env PRESENCE_GRACE_MS=30000";

/** SOAK_SEED=7 repeats the random choices of a failed run. */
function soakOptions(text: string): SoakOptions {
  const seed = Deno.env.get("SOAK_SEED");
  const options = parseOptions([
    ...`${text} ${LONG_ABSENCE}`.split(" "),
    ...(seed === undefined ? [] : ["--seed", seed]),
  ]);
  return { ...options, deno: Deno.execPath() };
}

/** Fails with the report and its seed if a promise was broken. */
function assertKept(outcome: SoakOutcome): void {
  assert(outcome.isKept, `\n${describeOutcome(outcome)}`);
}

for (const backplane of BACKPLANES) {
  const ignore = backplane === "postgres" ? isWithoutPostgres : isWithoutRedis;
  Deno.test({
    name:
      `on ${backplane}, clients lose nothing while isolates come and go and are killed, and connections cut`,
    ignore,
    fn: async () => {
      const options = soakOptions(
        "--minutes 0.33 --clients 40 --rooms 5 --rate 30 --isolates 2 --wall 6s --kill-every 6s --cut-every 3s",
      );
      const outcome = await runTurnover(options, backplane, () => {});
      assertKept(outcome);
      const { injectedFaults, census, away, published } = outcome;
      const { kills, connectionsCut } = injectedFaults;
      assert(kills > 0 && connectionsCut > 0, "No fault was injected.");
      assert((census.ended["wall_clock"] ?? 0) > 0, "No isolate ended by its clock.");
      assert(away.count > 0 && published > 300, "Nobody was away, or hardly anything was published.");
    },
  });

  Deno.test({
    name: `on ${backplane}, 200 members of an isolate that is killed come back and have missed nothing`,
    ignore,
    fn: async () => {
      const options = soakOptions("--scenario kill1000 --clients 200 --minutes 0.1");
      const outcome = await runKill(options, backplane, () => {});
      assertKept(outcome);
      // All except the twentieth that vanishes at the end.
      assertEquals([outcome.away.count, outcome.census.booted], [190, 2]);
    },
  });
}
