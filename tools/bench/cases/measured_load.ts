import { CpuClock } from "../../support/processes/cpu_clock.ts";
import type { RunningServer } from "../harness/program.ts";
import { projectCommand } from "../../support/processes/deno_command.ts";
import { JobProcess } from "../../support/processes/job_process.ts";
import type { FanOutJob, FanOutResult, LoadAnswer, LoadJob } from "../load/job.ts";
import { LoadLedger } from "./load_ledger.ts";

/** Work that a server still does after the last answer, such as its open handlers, belongs to the figure. */
const SETTLE_MS = 50;

/** Cost of a piece of work to a process. */
export interface Cost {
  readonly cpuMicros: number;
  readonly wallMs: number;
}

/** Cores that a process used while the work went on; near 1 its event loop was kept busy. */
export function coresUsed({ cpuMicros, wallMs }: Cost): number {
  return cpuMicros / 1_000 / wallMs;
}

/** The cost of several pieces of work together. */
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

/** Measures the processor time that `clock`'s process uses until `work` is done and it has settled. */
export async function measureCost(clock: CpuClock, work: () => Promise<unknown>): Promise<Cost> {
  LoadLedger.current?.begin();
  const startedAt = performance.now();
  const before = clock.micros();
  await work();
  const wallMs = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const cost = { cpuMicros: clock.micros() - before, wallMs };
  LoadLedger.current?.end(coresUsed(cost));
  return cost;
}

/** Asks the load generator for a job of a known type. */
export async function ask(load: JobProcess, job: Exclude<LoadJob, FanOutJob>): Promise<void> {
  await answerTo(load, job);
}

/** Asks the load generator to publish into a room. */
export async function askFanOut(load: JobProcess, job: FanOutJob): Promise<FanOutResult> {
  const { result } = await answerTo(load, job);
  if (!result) throw new Error("the load generator did not say what was delivered");
  return result;
}

async function answerTo(load: JobProcess, job: LoadJob): Promise<LoadAnswer> {
  const answer = await load.ask(job) as LoadAnswer; // load/main.ts answers every job with it
  LoadLedger.current?.add(job, answer.use);
  return answer;
}

/** The address of a room, with a token; servers of the bench's own get the same. */
export function roomUrl(server: RunningServer, room: string, token: string): string {
  return `ws://127.0.0.1:${server.port}/realtime/rooms/${room}?token=${token}`;
}

/** The address of the echo endpoint, with a token; raw servers get the same, so that both parse the same. */
export function echoUrl(server: RunningServer, token: string): string {
  return `ws://127.0.0.1:${server.port}/realtime/echo?token=${token}`;
}
