import { CpuClock } from "../../support/processes/cpu_clock.ts";
import { type PreparedProgram, startServer } from "../harness/program.ts";
import { type Line, toLine } from "../report.ts";
import { benchProgram, type CaseContext } from "./context.ts";

const BOOTS_PER_ROUND = 4;
const WARM_UPS = 2;
const TARGET = 1.0;
/** Wait for the kernel to account the time of threads that ran at the answer. */
const SETTLE_MS = 10;

interface Boot {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/**
 * Measures the time from process start to the first answer, beside the documentation's example,
 * alternately.
 */
export async function benchBoot(context: CaseContext): Promise<Line[]> {
  const ours = await context.prepare(context.ours);
  const example = await context.prepare(
    benchProgram("example", "peers/documentation_example.ts", {
      SUPABASE_URL: "http://127.0.0.1:1",
      SUPABASE_PUBLISHABLE_KEY: "sb_publishable_bench",
    }),
  );
  const boots: Record<"ours" | "example", Boot[]> = { ours: [], example: [] };
  for (let count = -WARM_UPS; count < context.rounds * BOOTS_PER_ROUND; count++) {
    const measured = { ours: await boot(ours), example: await boot(example) };
    if (count < 0) continue;
    boots.ours.push(measured.ours);
    boots.example.push(measured.example);
    context.progress(
      `boot ${count + 1}: ours ${describe(measured.ours)}, example ${describe(measured.example)}`,
    );
  }
  const common = {
    case: "boot",
    deno: context.deno.version,
    unit: "ms",
    peerName: "documentation's example",
  };
  return [
    toLine({
      ...common,
      figure: "wall to first answer",
      ours: boots.ours.map(({ wallMs }) => wallMs),
      peer: boots.example.map(({ wallMs }) => wallMs),
      target: TARGET,
    }),
    toLine({
      ...common,
      figure: "CPU to first answer",
      ours: boots.ours.map(({ cpuMs }) => cpuMs),
      peer: boots.example.map(({ cpuMs }) => cpuMs),
      target: TARGET,
    }),
  ];
}

async function boot(program: PreparedProgram): Promise<Boot> {
  const startedAt = performance.now();
  await using server = await startServer(program);
  const response = await fetch(`http://127.0.0.1:${server.port}/realtime/health`);
  await response.text();
  const wallMs = performance.now() - startedAt;
  if (!response.ok) {
    throw new Error(`${program.name} answers /realtime/health with HTTP ${response.status} instead of 200`);
  }
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return { wallMs, cpuMs: new CpuClock(server.pid).micros() / 1_000 };
}

function describe({ wallMs, cpuMs }: Boot): string {
  return `${wallMs.toFixed(0)} ms (CPU ${cpuMs.toFixed(0)})`;
}
