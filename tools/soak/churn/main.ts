/**
 * Memory of a long-lived process while members come and go:
 * `deno run -A --frozen dev/churn.ts --minutes 60 --json out.json --svg docs/memory-churn.svg`. Linux: memory is read from /proc.
 * `--without NAME`, which can be repeated, leaves out what some visitors do. Exit status: 1 when resident memory or the heap is not flat over the second half.
 */
import { parseArgs } from "node:util";
import { delay } from "@std/async";
import { Churn } from "./churn.ts";
import { startChurnedServer } from "./churned_server.ts";
import { FLAT_BELOW, type Flatness, judgeFlatness, type Sample } from "./flatness.ts";
import { plotMemory } from "./plot.ts";
import { VISITORS } from "./visits.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    "visits-per-second": { type: "string", default: "15" },
    "sample-seconds": { type: "string", default: "5" },
    without: { type: "string", multiple: true, default: [] },
    seed: { type: "string", default: String(crypto.getRandomValues(new Uint32Array(1))[0]) },
    json: { type: "string" },
    svg: { type: "string" },
  },
});
const minutes = positive("minutes");
const perSecond = positive("visits-per-second");
const sampleMs = positive("sample-seconds") * 1_000;
const seed = Number(values.seed);
const unknown = values.without.filter((name) => !(name in VISITORS));
if (unknown.length > 0) {
  throw new Error(`--without takes ${Object.keys(VISITORS).join(", ")}, not ${unknown}`);
}
const visitors = Object.fromEntries(
  Object.entries(VISITORS).filter(([name]) => !values.without.includes(name)),
);
console.log(`Seed ${seed}, ${minutes} minutes, ${perSecond} visits a second, Deno ${Deno.version.deno}`);

const rss: Sample[] = [];
const heap: Sample[] = [];
await using server = await startChurnedServer();
await using churn = await Churn.begin(server, seed, { visitors });
const over = new AbortController();
const visiting = churn.visitUntil(over.signal, perSecond).finally(() => over.abort());
// Who waits for it is told; until then a failure ends the sampling only.
visiting.catch(() => {});
const startedAt = performance.now();
const seconds = () => (performance.now() - startedAt) / 1_000;
let sayAt = 60;
while (!over.signal.aborted && seconds() < minutes * 60) {
  const at = seconds();
  const memory = await server.memory();
  rss.push({ at, value: memory.rss });
  heap.push({ at, value: memory.heap });
  if (at >= sayAt) {
    sayAt += 60;
    console.log(
      `${Math.floor(at / 60)} min: ${mib(memory.rss)} resident, ${
        mib(memory.heap)
      } heap, ${churn.visits} visits`,
    );
  }
  await delay(sampleMs, { signal: over.signal }).catch(() => {/* a visit failed */});
}
over.abort();
await visiting;
await churn.settled();
const liveHeap = await server.liveHeap();

const [rssFlatness, heapFlatness] = [judgeFlatness(rss), judgeFlatness(heap)];
console.log(`${churn.visits} visits; the live heap at the end is ${mib(liveHeap)}`);
console.log(`resident: ${told(rssFlatness)}\nheap: ${told(heapFlatness)}`);
if (values.json !== undefined) {
  const figures = {
    deno: Deno.version.deno,
    seed,
    without: values.without,
    minutes,
    perSecond,
    visits: churn.visits,
    liveHeap,
  };
  const text = JSON.stringify({ ...figures, rssFlatness, heapFlatness, rss, heap });
  await Deno.writeTextFile(values.json, `${text}\n`);
}
if (values.svg !== undefined) {
  const title = `Memory of one process over ${churn.visits} visits, Deno ${Deno.version.deno}`;
  const curves = [
    { name: "resident memory", color: "#3b82f6", samples: rss },
    { name: "V8's heap in use", color: "#f59e0b", samples: heap },
  ];
  await Deno.writeTextFile(values.svg, plotMemory(title, curves));
}
if (!rssFlatness.isFlat || !heapFlatness.isFlat) Deno.exitCode = 1;

function positive(name: "minutes" | "visits-per-second" | "sample-seconds"): number {
  const value = Number(values[name]);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${values[name]}`);
  return value;
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function told({ median, rise, riseShare, isFlat }: Flatness): string {
  const share = `${(100 * riseShare).toFixed(1)} % of the median ${mib(median)}`;
  return `${isFlat ? "flat" : "NOT FLAT"}: over the second half ${mib(rise)} more, ${share} (flat is below ${
    100 * FLAT_BELOW
  } %)`;
}
