import { digitsOf } from "../report.ts";
import type { Bar, Panel, Section } from "./panels.ts";

/** Width of a panel, in SVG units. */
export const PANEL_WIDTH = 430;

const [PADDING, HEAD, VERDICT, ROW, GAP] = [16, 52, 20, 20, 12];
/**
 * Start of the bars after their names, and maximum length of a bar; values follow in their own
 * column.
 */
const [BARS_AT, BARS_LENGTH] = [178, 164];
const BAR_THICKNESS = 12;
/** Maximum length of a name, in characters. */
const MAX_LABEL = 24;

/** Height of a panel. */
export function panelHeight({ sections }: Panel): number {
  const heights = sections.map(sectionHeight);
  return HEAD + heights.reduce((sum, height) => sum + height, 0) + PADDING - GAP;
}

/** Draws a panel with its upper left corner at 0, 0. */
export function drawPanel(panel: Panel): string {
  const { title, figure, unit, betterIs, sections } = panel;
  // One scale for all versions makes them comparable.
  const largest = Math.max(
    ...sections.flatMap(({ bars, targets }) => [
      ...bars.map(({ values }) => values.max),
      ...targets.map(({ at }) => at),
    ]),
  );
  const scale = (value: number): number => round(BARS_AT + (largest > 0 ? value / largest : 0) * BARS_LENGTH);
  const parts = [
    `<rect class="box" width="${PANEL_WIDTH}" height="${panelHeight(panel)}" rx="8"/>`,
    `<text x="${PADDING}" y="24"><tspan class="head">${escapeText(title)}</tspan>` +
    `<tspan class="small" dx="8">${escapeText(unit)}, ${betterIs} is better</tspan></text>`,
    `<text class="text" x="${PADDING}" y="42">${escapeText(figure)}</text>`,
  ];
  let top = HEAD;
  for (const section of sections) {
    parts.push(drawSection(section, unit, top, scale));
    top += sectionHeight(section);
  }
  return parts.join("\n");
}

/** Escapes text for XML. */
export function escapeText(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function sectionHeight({ bars, targets }: Section): number {
  return Math.max(1, targets.length) * VERDICT + bars.length * ROW + GAP;
}

function drawSection(
  { deno, bars, targets }: Section,
  unit: string,
  top: number,
  scale: (value: number) => number,
): string {
  const verdicts = targets.map(({ text, isMet }, index) =>
    `<text class="small" x="${PADDING}" y="${top + index * VERDICT + 14}">Deno ${deno}: ${
      escapeText(text)
    }: ` +
    `<tspan class="${isMet ? "met" : "missed"}">${isMet ? "met" : "missed"}</tspan></text>`
  );
  const plain = `<text class="small" x="${PADDING}" y="${top + 14}">Deno ${deno}</text>`;
  const barsTop = top + Math.max(1, targets.length) * VERDICT;
  const lines = targets.map(({ at }) =>
    `<line class="target" x1="${scale(at)}" x2="${scale(at)}" y1="${barsTop}" y2="${
      barsTop + bars.length * ROW
    }"/>`
  );
  return [
    ...(verdicts.length > 0 ? verdicts : [plain]),
    ...bars.map((bar, index) => drawBar(bar, unit, barsTop + index * ROW, scale)),
    ...lines,
  ].join("\n");
}

function drawBar(
  { label, isOurs, values }: Bar,
  unit: string,
  top: number,
  scale: (value: number) => number,
): string {
  const middle = top + ROW / 2;
  const [from, to, end] = [values.min, values.max, values.median].map(scale);
  const shown = label.length > MAX_LABEL ? `${label.slice(0, MAX_LABEL - 1)}…` : label;
  const value = `${formatValue(values.median, digitsOf(values))} ${shortUnit(unit)}`.trim();
  return [
    `<text class="${isOurs ? "ours" : "text"}" x="${BARS_AT - 8}" y="${middle + 4}" text-anchor="end">${
      escapeText(shown)
    }</text>`,
    `<rect class="${isOurs ? "own-bar" : "bar"}" x="${BARS_AT}" y="${middle - BAR_THICKNESS / 2}" width="${
      round(Math.max(1, (end ?? 0) - BARS_AT))
    }" height="${BAR_THICKNESS}"/>`,
    `<path class="whisker" d="M${from} ${middle}H${to}M${from} ${middle - 4}v8M${to} ${middle - 4}v8"/>`,
    `<text class="value" x="${PANEL_WIDTH - PADDING}" y="${middle + 4}" text-anchor="end">${
      escapeText(value)
    }</text>`,
  ].join("");
}

/** Shortens `µs a delivery` to `µs`, because the panel's head has the full unit. */
function shortUnit(unit: string): string {
  if (unit === "a second" || unit === "1/s") return "/s";
  return unit === "messages" ? "" : unit.split(" ")[0] ?? "";
}

function formatValue(value: number, digits: number): string {
  const fraction = value >= 1_000 ? 0 : digits;
  return value.toLocaleString("en-US", { minimumFractionDigits: fraction, maximumFractionDigits: fraction });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
