/**
 * `deno task bench:compare A B`: the ratios of two runs of `deno task bench --save`, side by side
 * with their spread. See docs/bench.md.
 * @module
 */
import { readResults } from "./report/results.ts";
import { comparisonTable } from "./report/tables.ts";

const [a, b, ...more] = Deno.args;
if (a === undefined || b === undefined || more.length > 0) {
  console.error("deno task bench:compare DIRECTORY_A DIRECTORY_B");
  Deno.exit(2);
}
const runs = { A: readResults(a), B: readResults(b) };
for (const [name, results] of Object.entries(runs)) {
  for (const run of results) {
    console.log(
      `${name}: ${run.case}, commit ${run.commit}, ${run.measured}, ${run.rounds} rounds, ${run.machine}`,
    );
  }
}
console.log(`\n${comparisonTable(runs.A, runs.B)}`);
