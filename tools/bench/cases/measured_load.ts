import { CpuClock } from "../../support/processes/cpu_clock.ts";
import type { RunningServer } from "../harness/program.ts";
import { projectCommand } from "../../support/processes/deno_command.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type { FanOutJob, FanOutResult, LoadAnswer, LoadJob } from "../load/job.ts";
import { LoadUsageRecorder } from "./load_usage.ts";

/**
 * Settling time: work of the server after the last answer, such as open handlers, belongs to the
 * figure.
 */
const SETTLE_MS = 50;

/** Cost of work to a process. */
export interface Cost {
  readonly cpuMicros: number;
  readonly wallMs: number;
}

/**
 * Number of cores that a process used during the work. A value near 1 means that its event loop was
 * busy.
 */
export function coresUsed({ cpuMicros, wallMs }: Cost): number {
  return cpuMicros / 1_000 / wallMs;
}

/** Sums costs. */
export function sumCosts(costs: readonly Cost[]): Cost {
  return {
    cpuMicros: costs.reduce((sum, cost) => sum + cost.cpuMicros, 0),
    wallMs: costs.reduce((sum, cost) => sum + cost.wallMs, 0),
  };
}

/** Starts the load generator, on the Deno that runs the bench. */
export function startLoad(): Promise<JobProcess> {
  return JobProcess.start(
    projectCommand(new URL("../load/main.ts", import.meta.url)),
    "The load generator",
  );
}

/**
 * Measures the processor time of `clock`'s process until `work` is done and the process has
 * settled.
 */
export async function measureCost(clock: CpuClock, work: () => Promise<unknown>): Promise<Cost> {
  LoadUsageRecorder.current?.begin();
  const startedAt = performance.now();
  const before = clock.micros();
  await work();
  const wallMs = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const cost = { cpuMicros: clock.micros() - before, wallMs };
  LoadUsageRecorder.current?.end(coresUsed(cost));
  return cost;
}

/** Runs a job in the load generator. */
export async function ask(load: JobProcess, job: Exclude<LoadJob, FanOutJob>): Promise<void> {
  await answerTo(load, job);
}

/** Runs a fan-out job in the load generator. */
export async function askFanOut(load: JobProcess, job: FanOutJob): Promise<FanOutResult> {
  const { result } = await answerTo(load, job);
  if (!result) throw new Error("the load generator answered a fan-out job without a result");
  return result;
}

async function answerTo(load: JobProcess, job: LoadJob): Promise<LoadAnswer> {
  const answer = await load.ask(job) as LoadAnswer; // load/main.ts answers every job with it
  LoadUsageRecorder.current?.add(job, answer.use);
  return answer;
}

/** URL of a room with a token; peers get the same path. */
export function roomUrl(server: RunningServer, room: string, token: string): string {
  return `ws://127.0.0.1:${server.port}/realtime/rooms/${room}?token=${token}`;
}

/**
 * URL of the echo endpoint with a token. Peers get the same URL, so that both sides parse the same.
 */
export function echoUrl(server: RunningServer, token: string): string {
  return `ws://127.0.0.1:${server.port}/realtime/echo?token=${token}`;
}
