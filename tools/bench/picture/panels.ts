import { describeTarget, type Line } from "../report.ts";
import type { Summary } from "../statistics.ts";

/** Figure with a target, and its peers. */
export interface Panel {
  /** Title, such as `Echo`. */
  readonly title: string;
  readonly figure: string;
  readonly unit: string;
  readonly betterIs: Line["betterIs"];
  /** One section per Deno version. */
  readonly sections: readonly Section[];
}

/** Figure on one Deno version. */
export interface Section {
  readonly deno: string;
  /** Bars, ours first. */
  readonly bars: readonly Bar[];
  readonly targets: readonly Target[];
}

/** Measurement of one side. */
export interface Bar {
  readonly label: string;
  readonly isOurs: boolean;
  readonly values: Summary;
}

/** Target of ours. */
interface Target {
  /** Value of ours that meets the target exactly, in the panel's unit. */
  readonly at: number;
  /** Text, such as `1.07 × raw Deno (≤ 1.10)`. */
  readonly text: string;
  readonly isMet: boolean;
}

const TITLES: Readonly<Record<string, string>> = {
  fanout: "Fan-out",
  members: "Idle members",
  durable: "Durable publishes",
  killed: "An isolate is killed",
};

/** Arranges lines in panels: one for each figure that has a target on some version, in order. */
export function arrangePanels(lines: readonly Line[]): Panel[] {
  const figures = Map.groupBy(lines, ({ case: name, figure }) => `${name}\n${figure}`);
  return [...figures.values()].flatMap((group) => {
    const [first] = group;
    if (!first || !group.some(hasTarget)) return [];
    const versions = Map.groupBy(group, ({ deno }) => deno);
    return [{
      title: TITLES[first.case] ?? first.case.charAt(0).toUpperCase() + first.case.slice(1),
      figure: first.figure,
      unit: first.unit,
      betterIs: first.betterIs,
      sections: [...versions].map(([deno, ofVersion]) => sectionOf(deno, ofVersion)),
    }];
  });
}

function sectionOf(deno: string, lines: readonly Line[]): Section {
  const ours = lines.slice(0, 1).map((line) => ({ label: "ours", isOurs: true, values: line.ours }));
  const peers = lines.map((line) => ({ label: line.peerName, isOurs: false, values: line.peer }));
  return { deno, bars: [...ours, ...peers], targets: lines.filter(hasTarget).map(targetOf) };
}

function targetOf(line: Line): Target {
  const { ratio, peer, peerName, met, judgedBy, betterIs } = line;
  const judged = judgedBy === "median" ? ratio.median : betterIs === "less" ? ratio.max : ratio.min;
  return {
    at: (line.target ?? line.atLeast ?? 1) * peer.median,
    text: `${judged.toFixed(2)} × ${peerName} (${describeTarget(line)})`,
    isMet: met ?? false,
  };
}

function hasTarget({ target, atLeast }: Line): boolean {
  return target !== undefined || atLeast !== undefined;
}
