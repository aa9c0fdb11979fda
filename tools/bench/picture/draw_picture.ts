import { describeOrigin } from "../compare/warnings.ts";
import type { RunReport } from "../report_file.ts";
import { drawPanel, escapeText, PANEL_WIDTH, panelHeight } from "./draw_panel.ts";
import { arrangePanels, type Panel } from "./panels.ts";

const MARGIN = 20;
const COLUMNS = 2;
const WIDTH = COLUMNS * (PANEL_WIDTH + MARGIN) + MARGIN;
const FOOT = 48;

/**
 * Colours of each class, with others for dark pages. The contrast of text is at least 4.5 to 1 in
 * both.
 */
const STYLE = `
    .paper { fill: #ffffff; } .box { fill: #f4f7f6; stroke: #c8d6d1; }
    .head { fill: #16302a; font-size: 15px; font-weight: 600; } .text { fill: #16302a; } .ours { fill: #16302a; font-weight: 600; }
    .small { fill: #4a635c; } .value { fill: #16302a; } .met { fill: #17694d; font-weight: 600; } .missed { fill: #a03a08; font-weight: 600; }
    .bar { fill: #a9bfb7; } .own-bar { fill: #2f8f6f; } .whisker { stroke: #16302a; fill: none; }
    .target { stroke: #a03a08; stroke-width: 1.5; stroke-dasharray: 4 3; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0f1715; } .box { fill: #1a2623; stroke: #35504a; }
      .head, .text, .ours, .value { fill: #e4f2ec; } .small { fill: #a5bdb5; } .met { fill: #6fdcb0; } .missed { fill: #ffa36b; }
      .bar { fill: #54706a; } .own-bar { fill: #3fae88; } .whisker { stroke: #e4f2ec; } .target { stroke: #ffa36b; }
    }`;

/**
 * Draws every figure with a target, beside its peers: medians as bars, extremes of the rounds as
 * whiskers, the target as a line. SVG without scripts, for light and dark pages, with a description
 * for screen readers.
 */
export function drawPicture(run: Omit<RunReport, "format">): string {
  const panels = arrangePanels(run.lines);
  const tops = Array.from({ length: COLUMNS }, () => MARGIN);
  const placed = panels.map((panel) => {
    const column = tops.indexOf(Math.min(...tops));
    const top = tops[column] ?? MARGIN;
    tops[column] = top + panelHeight(panel) + MARGIN;
    const left = MARGIN + column * (PANEL_WIDTH + MARGIN);
    return `<g transform="translate(${left} ${top})">\n${drawPanel(panel)}\n</g>`;
  });
  const foot = Math.max(...tops);
  const height = foot + FOOT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="12" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escapeText(summaryOf(panels))}</title>`,
    `<desc id="desc">${escapeText(panels.map(describePanel).join(" "))}</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="10"/>`,
    ...placed,
    `<text class="small" x="${MARGIN}" y="${
      foot + 8
    }">Bars are medians, whiskers the extremes of the rounds, dashed lines the targets; brackets give the target of the ratio.</text>`,
    `<text class="small" x="${MARGIN}" y="${foot + 26}">${escapeText(originOf(run))}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function summaryOf(panels: readonly Panel[]): string {
  const targets = panels.flatMap(({ sections }) => sections.flatMap(({ targets }) => targets));
  const met = targets.filter(({ isMet }) => isMet).length;
  return `Performance beside other servers, measured in the same run: ${met} of ${targets.length} targets are met.`;
}

function describePanel({ title, figure, unit, sections }: Panel): string {
  const texts = sections.map(({ deno, bars, targets }) => {
    const values = bars.map(({ label, values }) => `${label} ${Number(values.median.toPrecision(3))}`).join(
      ", ",
    );
    const verdicts = targets.map(({ text, isMet }) => `; ${text}: ${isMet ? "met" : "missed"}`).join("");
    return `on Deno ${deno} ${values}${verdicts}`;
  });
  return `${title}, ${figure} (${unit}): ${texts.join(". ")}.`;
}

function originOf({ machine, startedAt, measured, rounds }: Omit<RunReport, "format">): string {
  return `${machine.processor}, ${machine.cores} cores, ${startedAt.slice(0, 10)}, ${
    describeOrigin(measured)
  }, ${rounds === 1 ? "1 round" : `${rounds} rounds`}`;
}
