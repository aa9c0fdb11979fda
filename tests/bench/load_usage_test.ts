/**
 * The report names the load generator as the bottleneck, and does not confuse a busy machine with
 * it.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { LoadUsageRecorder } from "../../tools/bench/cases/load_usage.ts";
import { describeLoad } from "../../tools/bench/load_report.ts";
import type { FanOutJob, LoadUse } from "../../tools/bench/load/job.ts";

const JOB: FanOutJob = { type: "fan-out", group: "bun", inFlight: 16, durationMs: 500 };
const WHERE = { case: "fanout", deno: "2.9.6" };

/** Usage of one second, as shares of it. */
function useOf(busy: number, cores: number): LoadUse {
  return { sockets: 1_000, wallMs: 1_000, busyMs: busy * 1_000, cpuMs: cores * 1_000 };
}

function usageOf(
  stretches: readonly (readonly [busy: number, cores: number, server: number])[],
): LoadUsageRecorder {
  const usage = new LoadUsageRecorder();
  for (const [busy, cores, server] of stretches) {
    usage.begin();
    usage.add(JOB, useOf(busy, cores));
    usage.end(server);
  }
  return usage;
}

Deno.test("it was the limit when it was busy on a core of its own and the server was not", () => {
  const limitOf = (busy: number, cores: number, server: number) =>
    usageOf([[busy, cores, server]]).lines(WHERE).map(({ limit }) => limit);
  assertEquals(limitOf(0.97, 0.99, 0.6), ["load generator"]);
  assertEquals(limitOf(0.97, 0.99, 0.95), [null], "the server was busy, too");
  assertEquals(limitOf(0.5, 1, 0.6), [null], "it polled without finding work");
  assertEquals(limitOf(0.97, 0.5, 0.45), ["processors"], "neither had a core to itself");
});

Deno.test("each kind of work is judged by the median of its stretches", () => {
  const [line, ...more] = usageOf([[0.95, 1, 0.6], [0.2, 1, 0.6], [0.99, 1, 0.6]]).lines(WHERE);
  assertEquals(more, []);
  assertEquals([line?.work, line?.busy.samples, line?.busy.median, line?.limit], [
    "fan-out, bun, 1000 sockets, 16 in flight",
    [0.95, 0.2, 0.99],
    0.95,
    "load generator",
  ]);
});

Deno.test("what is asked between measured stretches does not count", () => {
  const usage = new LoadUsageRecorder();
  usage.add(JOB, useOf(1, 1));
  usage.begin();
  usage.add({ type: "echo", group: "ours", messagesPerSocket: 1 }, useOf(0.5, 1));
  usage.end(0.7);
  usage.add(JOB, useOf(1, 1));
  assertEquals(usage.lines(WHERE).map(({ work }) => work), ["echo, ours, 1000 sockets"]);
});

Deno.test("a running case has its usage recorder, also after an await", async () => {
  const usage = new LoadUsageRecorder();
  const seen = await usage.during(async () => {
    await Promise.resolve();
    return LoadUsageRecorder.current;
  });
  assertEquals([seen === usage, LoadUsageRecorder.current], [true, undefined]);
});

Deno.test("the report names every kind of work in which it was the limit, or else the busiest", () => {
  const limited = usageOf([[0.97, 0.99, 0.6]]).lines(WHERE);
  assertStringIncludes(
    describeLoad(limited),
    "load generator was the limit, in 1 of 1 kinds of work:\n- fanout, Deno 2.9.6, fan-out, bun, 1000 sockets, " +
      "16 in flight: busy 97 % of the time on 0.99 cores, the server on 0.60",
  );
  const free = usageOf([[0.4, 0.99, 1.1]]).lines(WHERE);
  assertStringIncludes(
    describeLoad(free),
    "never the limit. It was busiest with\n- fanout, Deno 2.9.6, fan-out, bun",
  );
  assertStringIncludes(describeLoad([]), "No case");
});
