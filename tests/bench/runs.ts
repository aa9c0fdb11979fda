import { toLine } from "../../tools/bench/report.ts";
import type { RunReport } from "../../tools/bench/report_file.ts";
import { SeededRandom } from "../../tools/support/seeded_random.ts";

/** Shape of a generated run. */
export interface RunShape {
  readonly figures: number;
  readonly rounds: number;
  /** Factor by which each figure of ours is slower: 1.2 is a fifth. */
  readonly slowdown?: (figure: number) => number;
  /** Factor by which the machine is slower, for ours and its peers. */
  readonly machineSlowdown?: number;
}

/**
 * Generates a run with lognormal noise of 5 % per sample; in one of twenty samples another process
 * interferes.
 */
export function drawRun(
  random: SeededRandom,
  { figures, rounds, slowdown = () => 1, machineSlowdown = 1 }: RunShape,
): RunReport {
  const lines = Array.from({ length: figures }, (_, figure) => {
    const samples = (scale: number) =>
      Array.from({ length: rounds }, () => scale * machineSlowdown * drawNoise(random));
    return toLine({
      case: "echo",
      deno: "2.1.4",
      figure: `figure ${figure}`,
      unit: "µs",
      ours: samples(10 * slowdown(figure)),
      peerName: "raw Deno",
      peer: samples(9),
      target: 1.1,
    });
  });
  return { ...EMPTY_RUN, rounds, lines };
}

/** A run without lines. */
export const EMPTY_RUN: RunReport = {
  format: 1,
  startedAt: "2026-11-23T12:00:00.000Z",
  machine: { processor: "a processor", cores: 2, kernel: "6.18", driver: "Deno 2.9.6" },
  measured: { revision: "48497e9a3b1c07d2afba457f7718ecb1ead71000", isDirty: false },
  bench: { revision: "48497e9a3b1c07d2afba457f7718ecb1ead71000", isDirty: false },
  denoVersions: ["2.1.4"],
  cases: ["echo"],
  rounds: 7,
  loadBefore: [0, 0, 0],
  loadAfter: [0, 0, 0],
  lines: [],
  load: [],
};

function drawNoise(random: SeededRandom): number {
  const uniform = (): number => (random.below(1_000_000) + 0.5) / 1_000_000;
  const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const interference = random.below(20) === 0 ? 1 + uniform() : 1;
  return Math.exp(0.05 * normal) * interference;
}
