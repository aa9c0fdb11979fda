import { mebibytes, seconds, shortId } from "../support/isolates/events.ts";
import type { EdgeLimits } from "../support/isolates/limits.ts";
import type { IsolateView } from "../support/isolates/pool.ts";

/** Options of a table. */
interface TableOptions {
  readonly limits: EdgeLimits;
  readonly isColoured: boolean;
}

const WIDTHS = [8, 7, 11, 19, 15, 20, 7, 8] as const;
const TITLES = ["isolate", "state", "reason", "age", "CPU", "memory", "sockets", "requests"];
/** Shares of a limit above which a figure is yellow, and red. */
const NOTABLE = 0.5;
const SHORT = 0.9;

/** Formats the running isolates as table lines, each figure beside its limit. */
export function drawTable(views: readonly IsolateView[], { limits, isColoured }: TableOptions): string[] {
  const paint = (text: string, share: number) => {
    if (!isColoured || share < NOTABLE) return text;
    return `\x1b[${share >= SHORT ? 31 : 33}m${text}\x1b[0m`;
  };
  const rows = views.map((view) => {
    const { ageMs, cpuMs, memoryBytes } = view;
    const cells = [
      shortId(view.isolate),
      view.state,
      view.lastReason ?? "",
      `${seconds(ageMs)} / ${seconds(limits.wallMs)}`,
      `${seconds(cpuMs)} / ${seconds(limits.cpuHardMs)}`,
      `${mebibytes(memoryBytes)} / ${mebibytes(limits.memoryBytes)}`,
      String(view.sockets),
      String(view.unanswered),
    ].map(pad);
    const shares = [
      0,
      0,
      0,
      ageMs / limits.wallMs,
      cpuMs / limits.cpuHardMs,
      memoryBytes / limits.memoryBytes,
    ];
    return cells.map((cell, at) => paint(cell, shares[at] ?? 0)).join("  ").trimEnd();
  });
  return [
    TITLES.map(pad).join("  ").trimEnd(),
    ...(rows.length > 0 ? rows : ["none: the next request boots one"]),
  ];
}

function pad(cell: string, at: number): string {
  const width = WIDTHS[at];
  if (width === undefined) return cell;
  return at < 3 ? cell.padEnd(width) : cell.padStart(width);
}
